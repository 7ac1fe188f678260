/* A short hash tag for every slot of a cluster. */
#ifndef CAIRN_REDIS_SLOT_TAGS_H
#define CAIRN_REDIS_SLOT_TAGS_H

#define REDIS_SLOT_TAG 4 /* bytes */

/* Writes it, without braces. slot: less than REDIS_SLOTS. */
char *redis_slot_tag(char *out, unsigned slot);

/* Those of consecutive slots, one behind the other. */
char *redis_slot_tags(char *out, unsigned first, unsigned count);

#endif
