#include "saver_args.h"

#include <cairn/sys/json.h>

/* ---- what the options and the call say together ---- */

int64_t saver_default_ttl_ms(const cairn_saver_t *saver)
{
    return saver->options.default_ttl.given ? saver->options.default_ttl.ms : CAIRN_TTL_PERSIST;
}

cairn_saver_terms_t saver_terms(verify_t *check, const cairn_saver_t *saver, cairn_ttl_t ttl)
{
    return (cairn_saver_terms_t){
        .ttl_ms = verify_ttl(check, "ttl", ttl, saver_default_ttl_ms(saver)),
        .ttl_given = ttl.given,
        .shallow = saver->options.shallow || (saver->cairn->core && saver->cairn->core->shallow),
        .scope = saver->options.ttl_scope,
    };
}

cairn_slice_t saver_run_id(verify_t *check, cairn_slice_t metadata, cairn_slice_t given,
                           char **memory)
{
    *memory = NULL;
    verify_optional(check, "run_id", given);
    if (given.ptr || metadata.len == 0) {
        verify_json_object(check, "metadata", metadata);
        return given;
    }
    verify_bytes(check, "metadata", metadata);
    if (check->status < 0) return given;
    cairn_slice_t found;
    int rc = cairn_json_string_member(metadata, "run_id", CAIRN_ID_MAX, &found, memory);
    if (rc == CAIRN_ETOOBIG) {
        verify_wrong(check, rc, "metadata", "has a run_id longer than %d bytes", CAIRN_ID_MAX);
    } else {
        verify_json_status(check, "metadata", rc);
    }
    return found;
}

void saver_verify_ref(verify_t *check, const char *what, const cairn_checkpoint_ref_t *ref)
{
    verify_pointer(check, what, ref);
    if (check->status < 0) return;
    verify_id(check, "thread_id", ref->thread_id);
    verify_optional(check, "checkpoint_ns", ref->checkpoint_ns);
    verify_optional(check, "checkpoint_id", ref->checkpoint_id);
}

void saver_verify_ids(verify_t *check, const char *what, const cairn_slice_t *ids, size_t count)
{
    verify_array(check, what, ids, count, SIZE_MAX);
    for (size_t i = 0; i < count && check->status == 0; i++) {
        verify_in(check, what, i);
        verify_id(check, "", ids[i]);
    }
    verify_in(check, NULL, 0);
}

static void verify_versions(verify_t *check, const cairn_checkpoint_t *checkpoint)
{
    verify_array(check, "channel_versions", checkpoint->channel_versions,
                 checkpoint->channel_version_count, SIZE_MAX);
    for (size_t i = 0; i < checkpoint->channel_version_count && check->status == 0; i++) {
        verify_in(check, "channel_versions", i);
        verify_id(check, "channel", checkpoint->channel_versions[i].channel);
        verify_id(check, "version", checkpoint->channel_versions[i].version);
    }
    verify_in(check, NULL, 0);
}

static void verify_values(verify_t *check, const cairn_checkpoint_t *checkpoint)
{
    verify_array(check, "channel_values", checkpoint->channel_values,
                 checkpoint->channel_value_count, SIZE_MAX);
    for (size_t i = 0; i < checkpoint->channel_value_count && check->status == 0; i++) {
        const cairn_channel_value_t *value = &checkpoint->channel_values[i];
        verify_in(check, "channel_values", i);
        verify_id(check, "channel", value->channel);
        verify_id(check, "version", value->version);
        verify_enum(check, "kind", value->kind, CAIRN_CHANNEL_DELTA);
        verify_value(check, "value", value->value);
    }
    verify_in(check, NULL, 0);
}

static void verify_seen(verify_t *check, const cairn_checkpoint_t *checkpoint)
{
    verify_array(check, "versions_seen", checkpoint->versions_seen, checkpoint->version_seen_count,
                 SIZE_MAX);
    for (size_t i = 0; i < checkpoint->version_seen_count && check->status == 0; i++) {
        verify_in(check, "versions_seen", i);
        verify_id(check, "node", checkpoint->versions_seen[i].node);
        verify_optional(check, "channel", checkpoint->versions_seen[i].channel);
        verify_optional(check, "version", checkpoint->versions_seen[i].version);
    }
    verify_in(check, NULL, 0);
}

void saver_verify_checkpoint(verify_t *check, const cairn_checkpoint_t *checkpoint)
{
    verify_pointer(check, "checkpoint", checkpoint);
    if (check->status < 0) return;
    verify_id(check, "checkpoint.id", checkpoint->id);
    verify_optional(check, "checkpoint.ts", checkpoint->ts);
    verify_versions(check, checkpoint);
    verify_values(check, checkpoint);
    verify_seen(check, checkpoint);
    saver_verify_ids(check, "updated_channels", checkpoint->updated_channels,
                     checkpoint->updated_channel_count);
    verify_value(check, "extra", checkpoint->extra);
}

void saver_verify_writes(verify_t *check, const cairn_task_writes_t *writes)
{
    verify_pointer(check, "writes", writes);
    if (check->status < 0) return;
    verify_id(check, "task_id", writes->task_id);
    verify_optional(check, "task_path", writes->task_path);
    verify_array(check, "writes", writes->writes, writes->count, INT32_MAX);
    for (size_t i = 0; i < writes->count && check->status == 0; i++) {
        verify_in(check, "writes", i);
        verify_id(check, "channel", writes->writes[i].channel);
        verify_value(check, "value", writes->writes[i].value);
    }
    verify_in(check, NULL, 0);
}

void saver_verify_query(verify_t *check, const cairn_saver_query_t *query, page_ask_t *ask)
{
    verify_optional(check, "thread_id", query->thread_id);
    verify_optional(check, "checkpoint_ns", query->checkpoint_ns);
    verify_optional(check, "checkpoint_id", query->checkpoint_id);
    if (query->before) verify_id(check, "before.checkpoint_id", query->before->checkpoint_id);
    verify_json_object(check, "filter", query->filter);
    page_verify(check, &query->paging, ask);
}
