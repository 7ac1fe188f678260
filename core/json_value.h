/* What the files that know Jansson share. Private to them. */
#ifndef CAIRN_CORE_JSON_VALUE_H
#define CAIRN_CORE_JSON_VALUE_H

#include <cairn/bytes.h>
#include <cairn/compiler.h>
#include <jansson.h>

/* 0, UV_EINVAL if `text` is no object's, UV_ENOMEM; `*out` is then left alone. */
CAIRN_MUST_USE int json_value_read_object(cairn_slice_t text, json_t **out);

/* Numbers by value, objects and arrays as a whole. */
bool json_values_equal(const json_t *a, const json_t *b);

/* <0, 0, >0. Both are numbers. */
int json_numbers_order(const json_t *a, const json_t *b);

#endif
