/* Items and namespaces as text, in both directions, so that a test reads as the rule does.
 *
 * A namespace is "users/u-1": labels, each followed by another after a slash. An item that was read
 * is "users/u-1:name={"first":"Ada"}". Labels and keys with bytes other than [A-Za-z0-9_.-] are
 * escaped, an empty key is ''. Two different things never give the same text. */
#ifndef TESTS_CONFORMANCE_STORE_TEXT_H
#define TESTS_CONFORMANCE_STORE_TEXT_H

#include "saver_text.h"

#include <cairn/store.h>

/* The namespace that `path` spells; NULL and "" have no labels. Borrows from `path`, and is good
 * for some dozens of calls more. */
cairn_namespace_t ns(const char *path);

void text_add_ns(text_t *text, cairn_namespace_t ns);
void text_add_place(text_t *text, cairn_namespace_t ns, cairn_slice_t key);
void text_add_item(text_t *text, const cairn_item_t *item);

/* What is wrong with the shape of an item, whatever it holds; NULL if nothing is. */
const char *item_flaw(const cairn_item_t *item, bool has_score);

#endif
