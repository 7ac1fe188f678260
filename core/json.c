/* Jansson reads; the json files alone know it. Its allocator is one for the whole process, so it is
 * left as the application has it. */
#include "json_value.h"

#include <cairn/error.h>
#include <cairn/sys/alloc.h>
#include <cairn/sys/json.h>
#include <uv.h>

static json_t *load(cairn_slice_t text, size_t flags, json_error_t *error)
{
    return json_loadb(text.ptr ? text.ptr : "", text.len, flags | JSON_ALLOW_NUL, error);
}

/* An integer beyond 64 bits, which other languages write, makes the numbers of its text reals. */
int json_value_read_object(cairn_slice_t text, json_t **out)
{
    json_error_t error;
    json_t *json = load(text, 0, &error);
    if (!json && json_error_code(&error) == json_error_numeric_overflow)
        json = load(text, JSON_DECODE_INT_AS_REAL, &error);
    if (!json) return json_error_code(&error) == json_error_out_of_memory ? UV_ENOMEM : UV_EINVAL;
    if (!json_is_object(json)) {
        json_decref(json);
        return UV_EINVAL;
    }
    *out = json;
    return 0;
}

int cairn_json_check_object(cairn_slice_t text)
{
    json_t *object;
    int rc = json_value_read_object(text, &object);
    if (rc < 0) return rc;
    json_decref(object);
    return 0;
}

/* ---- order and equality ---- */

static int order_of(bool less, bool greater)
{
    return (int)greater - (int)less;
}

/* Exact, where a cast of the integer to double would be not. 2^63 itself is no json_int_t. */
static int integer_to_real(json_int_t integer, double real)
{
    const double limit = 9223372036854775808.0;
    if (real >= limit) return -1;
    if (real < -limit) return 1;
    json_int_t whole = (json_int_t)real;
    if (integer != whole) return order_of(integer<whole, integer> whole);
    return order_of((double)whole<real, (double)whole> real);
}

int json_numbers_order(const json_t *a, const json_t *b)
{
    if (json_is_integer(a) && json_is_integer(b)) {
        json_int_t one = json_integer_value(a), other = json_integer_value(b);
        return order_of(one<other, one> other);
    }
    if (json_is_integer(a)) return integer_to_real(json_integer_value(a), json_real_value(b));
    if (json_is_integer(b)) return -integer_to_real(json_integer_value(b), json_real_value(a));
    return order_of(json_real_value(a) < json_real_value(b),
                    json_real_value(a) > json_real_value(b));
}

static bool arrays_equal(const json_t *a, const json_t *b)
{
    size_t size = json_array_size(a);
    if (size != json_array_size(b)) return false;
    for (size_t i = 0; i < size; i++)
        if (!json_values_equal(json_array_get(a, i), json_array_get(b, i))) return false;
    return true;
}

static bool object_contains(json_t *whole, json_t *part, bool exactly)
{
    if (exactly && json_object_size(whole) != json_object_size(part)) return false;
    const char *key;
    json_t *wanted;
    json_object_foreach(part, key, wanted)
    {
        json_t *value = json_object_get(whole, key);
        if (!value) return false;
        bool both = json_is_object(value) && json_is_object(wanted);
        if (both ? !object_contains(value, wanted, exactly) : !json_values_equal(value, wanted))
            return false;
    }
    return true;
}

bool json_values_equal(const json_t *a, const json_t *b)
{
    if (json_is_number(a) && json_is_number(b)) return json_numbers_order(a, b) == 0;
    if (json_typeof(a) != json_typeof(b)) return false;
    if (json_is_array(a)) return arrays_equal(a, b);
    if (json_is_object(a)) return object_contains((json_t *)a, (json_t *)b, true);
    return json_equal(a, b);
}

/* ---- containment ---- */

/* A filter is the parsed object itself. */
int cairn_json_filter_read(cairn_slice_t filter, cairn_json_filter_t **out)
{
    json_t *object;
    int rc = json_value_read_object(filter, &object);
    if (rc == 0) *out = (cairn_json_filter_t *)object;
    return rc;
}

int cairn_json_filter_matches(const cairn_json_filter_t *filter, cairn_slice_t document)
{
    json_t *whole;
    int rc = json_value_read_object(document, &whole);
    if (rc < 0) return rc;
    rc = object_contains(whole, (json_t *)filter, false);
    json_decref(whole);
    return rc;
}

void cairn_json_filter_free(cairn_json_filter_t *filter)
{
    json_decref((json_t *)filter);
}

int cairn_json_contains(cairn_slice_t document, cairn_slice_t filter)
{
    cairn_json_filter_t *part = NULL;
    int rc = cairn_json_filter_read(filter, &part);
    if (rc < 0) return rc;
    rc = cairn_json_filter_matches(part, document);
    cairn_json_filter_free(part);
    return rc;
}

/* ---- members ---- */

/* Any place in the text where these bytes stand will do. */
static int borrow_or_copy(cairn_slice_t text, cairn_slice_t string, cairn_slice_t *out,
                          char **memory)
{
    const char *bytes = memmem(text.ptr, text.len, string.ptr, string.len);
    if (!bytes) {
        bytes = *memory = cairn_malloc(string.len);
        if (!bytes) return UV_ENOMEM;
        memcpy(*memory, string.ptr, string.len);
    }
    *out = cairn_slice(bytes, string.len);
    return 0;
}

int cairn_json_string_member(cairn_slice_t text, const char *key, size_t most, cairn_slice_t *out,
                             char **memory)
{
    *out = cairn_slice(NULL, 0);
    *memory = NULL;
    json_t *object;
    int rc = json_value_read_object(text, &object);
    if (rc < 0) return rc;
    const json_t *member = json_object_get(object, key);
    if (json_is_string(member)) {
        cairn_slice_t string = {json_string_value(member), json_string_length(member)};
        rc = string.len > most ? CAIRN_ETOOBIG : borrow_or_copy(text, string, out, memory);
    }
    json_decref(object);
    return rc;
}

int cairn_json_each_key(cairn_slice_t text, const char *key,
                        int (*each)(void *context, cairn_slice_t name), void *context)
{
    json_t *object;
    int rc = json_value_read_object(text, &object);
    if (rc < 0) return rc;
    json_t *member = json_object_get(object, key);
    if (json_is_object(member)) {
        const char *name;
        json_t *value;
        json_object_foreach(member, name, value)
        {
            rc = each(context, cairn_str(name));
            if (rc != 0) break;
        }
    }
    json_decref(object);
    return rc;
}
