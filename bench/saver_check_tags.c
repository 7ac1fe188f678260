#include "saver_check_link.h"
#include "slot.h"
#include <stdio.h>
#include <stdlib.h>

enum {
    TAG_MOST = 15 /* bytes, braces included */
};

struct saver_tags {
    char of_slot[SLOTS][TAG_MOST + 1]; /* "": there is no list */
};

/* "{tag}" of "{tag}" or "{tag}:run"; nothing if there is none. */
static cairn_slice_t tag_of(cairn_slice_t owner)
{
    const char *end = owner.len > 2 && *owner.ptr == '{' ? memchr(owner.ptr, '}', owner.len) : NULL;
    return end ? cairn_slice(owner.ptr, (size_t)(end - owner.ptr) + 1) : cairn_str("");
}

/* A second one of the same slot is a mistake, and what it lists will be told. */
static void learn(saver_checker_t *checker, cairn_slice_t whole)
{
    const saver_key_t key = saver_key(whole);
    if (key.kind != SAVER_SHARD && key.kind != SAVER_SHARD_EXPIRY && key.kind != SAVER_RUN) return;
    const cairn_slice_t tag = tag_of(key.owner);
    if (tag.len < 3 || tag.len > TAG_MOST) return;
    char *known = checker->tags->of_slot[slot_of(tag.ptr + 1, tag.len - 2)];
    if (*known == '\0') memcpy(known, tag.ptr, tag.len);
}

int checker_read_tags(saver_checker_t *checker)
{
    checker->tags = calloc(1, sizeof *checker->tags);
    if (!checker->tags) abort();
    return checker_scan(checker, "langgraph:checkpoint*", learn);
}

void checker_free_tags(saver_checker_t *checker)
{
    free(checker->tags);
    checker->tags = NULL;
}

static const char *tag_for(const saver_checker_t *checker, cairn_slice_t thread)
{
    saver_text_t escaped = {0};
    saver_text_escape(&escaped, thread);
    const unsigned slot = slot_of(escaped.at, escaped.len);
    saver_text_free(&escaped);
    return checker->tags->of_slot[slot];
}

saver_text_t checker_shard_of(const saver_checker_t *checker, cairn_slice_t thread)
{
    saver_text_t owner = {0};
    char number[16];
    snprintf(number, sizeof number, "%u", saver_shard(thread));
    saver_text_add(&owner, cairn_str(checker->tags ? tag_for(checker, thread) : number));
    return owner;
}

saver_text_t checker_run_of(const saver_checker_t *checker, cairn_slice_t thread, cairn_slice_t run)
{
    saver_text_t owner = {0};
    saver_text_add(&owner, cairn_str(checker->tags ? tag_for(checker, thread) : "{"));
    if (checker->tags) saver_text_add(&owner, cairn_str(":"));
    saver_text_escape(&owner, run);
    if (!checker->tags) saver_text_add(&owner, cairn_str("}"));
    return owner;
}
