/* The options as a table: CAIRN_OPTION_NUMBERS and CAIRN_OPTION_TEXTS at run time. */
#ifndef CAIRN_CORE_OPTION_ROWS_H
#define CAIRN_CORE_OPTION_ROWS_H

#include <cairn/bytes.h>
#include <cairn/options.h>

#define OPTION_ROWS_PLUS_ONE(...) +1
enum {
    OPTION_ROWS =
        0 CAIRN_OPTION_NUMBERS(OPTION_ROWS_PLUS_ONE) CAIRN_OPTION_TEXTS(OPTION_ROWS_PLUS_ONE)
};
#undef OPTION_ROWS_PLUS_ONE

typedef struct option_row {
    const char *name;
    size_t offset; /* of the field in cairn_options_t */
    bool is_text;
    uint64_t fallback, least, most; /* of a number */
} option_row_t;

extern const option_row_t option_rows[OPTION_ROWS];

/* NULL if there is no such option. */
const option_row_t *option_row(cairn_slice_t name);

/* The option whose name is most like `name`, or NULL if none is much like it. */
const option_row_t *option_row_like(cairn_slice_t name);

static inline uint64_t *option_number(cairn_options_t *options, const option_row_t *row)
{
    return (uint64_t *)(void *)((char *)options + row->offset);
}

static inline const char **option_text(cairn_options_t *options, const option_row_t *row)
{
    return (const char **)(void *)((char *)options + row->offset);
}

/* Reads decimal digits into `out` if they are within the row's range. CAIRN_EOPTION if not; the
 * message quotes `text` and calls it `label`. */
CAIRN_MUST_USE int option_parse(const option_row_t *row, const char *label, cairn_slice_t text,
                                uint64_t *out, cairn_error_t *error);

#endif
