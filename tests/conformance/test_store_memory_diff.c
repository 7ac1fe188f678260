/* Memory and the model, given the same random operations, must agree step by step: two handles on a
 * clock of the test's own, or on the time of day.
 *
 *     CAIRN_SEED=n            runs that one sequence, as it was printed when it failed
 *     CAIRN_DIFF_SECONDS=n    for so long, instead of 5 */
#include "store_diff.h"

static const sdiff_setting_t *setting_of(uint64_t seed)
{
    static const sdiff_setting_t exact = {
        .urls = {"memory:", "memory:"}, .fake_clock = true, .together = true};
    static const sdiff_setting_t apart = {.urls = {"memory:", NULL}};
    const sdiff_setting_t *setting = seed % 8 ? &exact : &apart;
    store_backend = (store_backend_t){.fake_clock = setting->fake_clock};
    return setting;
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
    int failures = cmocka_run_group_tests_name("store: memory and model", tests, NULL, NULL);
    sdiff_tell_seed();
    return failures;
}
