/* For core and backends: namespaces of the store, compared, matched, and as single keys.
 *
 * Encoded, a namespace is its labels one after the other, each closed by 00 01, with 00 ff for a 00
 * inside a label. So encoded namespaces differ if the namespaces do, sort bytewise as the
 * namespaces do label by label, and one begins with another exactly if its labels begin with the
 * other's. */
#ifndef CAIRN_SYS_NAMESPACE_H
#define CAIRN_SYS_NAMESPACE_H

#include <cairn/store.h>
#include <cairn/sys/tuple.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Label by label, bytewise, a prefix before what it begins: <0, 0 or >0. */
int cairn_namespace_cmp(cairn_namespace_t a, cairn_namespace_t b);

/* Whole labels, as they are: "*" is a label like any other (rule 38). */
bool cairn_namespace_begins(cairn_namespace_t ns, cairn_namespace_t prefix);

/* Whether the whole namespace meets all conditions; in them "*" is any one label (rule 40). */
bool cairn_namespace_matches(cairn_namespace_t ns, const cairn_match_condition_t *conditions,
                             size_t count);

/* The longest prefix, without "*", that whatever meets the conditions begins with: where to look.
 */
cairn_namespace_t cairn_namespace_common(const cairn_match_condition_t *conditions, size_t count);

/* The first `max_depth` labels; 0: all. What is sorted stays so, with equal ones side by side. */
cairn_namespace_t cairn_namespace_cut(cairn_namespace_t ns, size_t max_depth);

size_t cairn_namespace_encoded_size(cairn_namespace_t ns);
void cairn_namespace_encode(cairn_namespace_t ns, char *out);

/* The labels, in `arena`. UV_EINVAL if that is no encoded namespace; UV_ENOMEM. */
CAIRN_MUST_USE int cairn_namespace_decode(cairn_arena_t *arena, cairn_slice_t encoded,
                                          cairn_namespace_t *out);

#ifdef __cplusplus
}
#endif
#endif
