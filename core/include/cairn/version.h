/* The version of the headers you compile against, and of the library you run with. */
#ifndef CAIRN_VERSION_H
#define CAIRN_VERSION_H

#ifdef __cplusplus
extern "C" {
#endif

#define CAIRN_VERSION_MAJOR 0
#define CAIRN_VERSION_MINOR 1
#define CAIRN_VERSION_PATCH 0
#define CAIRN_VERSION_STRING "0.1.0"

/* CAIRN_VERSION_STRING of the linked library. Static storage; callable at any time. */
const char *cairn_version(void);

#ifdef __cplusplus
}
#endif
#endif
