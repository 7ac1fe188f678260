/* The suite of run streams over the layout of Pure Graph: what that cannot show is left out, and
 * what comes in the place of it is shown. */
#ifndef TESTS_CONFORMANCE_STREAM_PURE_GRAPH_H
#define TESTS_CONFORMANCE_STREAM_PURE_GRAPH_H

#include "stream_suite.h"

/* The number of failures. */
int stream_pure_graph_run(const char *name, const char *url, const streams_backend_t *backend);

#endif
