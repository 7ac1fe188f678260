#include "check_command.h"
#include "check_cluster.h"
#include "link.h"

int check_run(const check_config_t *config, saver_check_t *found, char error[SAVER_CHECK_TEXT])
{
    redisContext *link;
    if (link_connect(config->url, &link, error) < 0) return -1;
    int rc = check_cluster_is_node(link) ? check_cluster_run(config->url, link, found, error)
                                         : saver_check_run(link, found, error);
    redisFree(link);
    return rc;
}

/* ---- reporting ---- */

bool check_is_good(const check_config_t *config, const saver_check_t *found)
{
    return found->orphans == 0 && (!config->ttl || found->without_ttl == 0);
}

static void print_few(FILE *out, const char (*texts)[SAVER_CHECK_TEXT], size_t count)
{
    for (size_t i = 0; i < count && i < SAVER_CHECK_FEW; i++) fprintf(out, "  %s\n", texts[i]);
    if (count > SAVER_CHECK_FEW) fprintf(out, "  ... and %zu more\n", count - SAVER_CHECK_FEW);
}

void check_report(const check_config_t *config, const saver_check_t *found, FILE *out)
{
    fprintf(out, "keys %zu\nkeys of others %zu\nkeys without TTL %zu\n", found->keys, found->others,
            found->without_ttl);
    if (config->ttl) print_few(out, found->persistent, found->without_ttl);
    fprintf(out, "orphans %zu\n", found->orphans);
    print_few(out, found->orphan, found->orphans);
}
