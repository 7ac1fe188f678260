/* What the headers ask of a compiler, in one place. */
#ifndef CAIRN_COMPILER_H
#define CAIRN_COMPILER_H

#if defined(__GNUC__) || defined(__clang__)
#define CAIRN_MUST_USE __attribute__((warn_unused_result))
#define CAIRN_PRINTF(nth, first) __attribute__((format(printf, nth, first)))
#else
#define CAIRN_MUST_USE
#define CAIRN_PRINTF(nth, first)
#endif

#endif
