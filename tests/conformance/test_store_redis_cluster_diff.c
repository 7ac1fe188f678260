/* A cluster and the model, given the same random operations, must agree step by step.
 *
 *     CAIRN_SEED=n            runs that one sequence, as it was printed when it failed
 *     CAIRN_DIFF_SECONDS=n    for so long, instead of 5 */
#include "store_cluster.h"
#include "store_diff.h"

static sdiff_setting_t settings[4];

static const sdiff_setting_t *setting_of(uint64_t seed)
{
    return &settings[seed % 4];
}

static void random_sequences_agree_step_by_step(void **state)
{
    (void)state;
    sdiff_run_many(setting_of);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_sequences_agree_step_by_step),
    };
    store_cluster_start();
    settings[0] = (sdiff_setting_t){.urls = {store_cluster_url(NULL), NULL}};
    settings[1] = (sdiff_setting_t){.urls = {store_cluster_url("protocol=2"), NULL}};
    for (int i = 0; i < 2; i++) {
        settings[2 + i] = settings[i];
        settings[2 + i].in_turns = true;
    }
    int failures = cmocka_run_group_tests_name("store: cluster and model", tests, NULL, NULL);
    sdiff_tell_seed();
    store_cluster_stop();
    return failures;
}
