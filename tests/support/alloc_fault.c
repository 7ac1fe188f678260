#include "alloc_fault.h"

#include "check.h"

#include <cairn/alloc.h>
#include <stdlib.h>

static struct {
    bool watching;
    size_t live;
    size_t total;
    size_t until_fault; /* allocations before the one that fails, plus one; 0: no fault */
    alloc_fault_t fault;
    bool fired;
} state;

static bool must_fail(void)
{
    state.total++;
    if (state.until_fault == 0) return false;
    if (state.until_fault > 1) {
        state.until_fault--;
        return false;
    }
    state.fired = true;
    if (state.fault == ALLOC_FAIL_ONCE) state.until_fault = 0;
    return true;
}

static void *counting_malloc(size_t size)
{
    if (must_fail()) return NULL;
    void *block = malloc(size);
    if (block) state.live++;
    return block;
}

static void *counting_realloc(void *old, size_t size)
{
    if (must_fail()) return NULL;
    void *block = realloc(old, size);
    if (block && !old) state.live++;
    return block;
}

static void counting_free(void *block)
{
    if (block) state.live--;
    free(block);
}

void alloc_watch(void)
{
    const cairn_allocator_t allocator = {counting_malloc, counting_realloc, counting_free};
    state.watching = true;
    state.live = 0;
    state.total = 0;
    alloc_fail(ALLOC_FAIL_ONCE, 0);
    assert_status(cairn_set_allocator(&allocator), 0);
}

void alloc_unwatch(void)
{
    state.watching = false;
    assert_status(cairn_set_allocator(NULL), 0);
}

bool alloc_watching(void)
{
    return state.watching;
}

size_t alloc_live(void)
{
    return state.live;
}

size_t alloc_total(void)
{
    return state.total;
}

void alloc_fail(alloc_fault_t fault, size_t nth)
{
    state.fault = fault;
    state.until_fault = nth;
    state.fired = false;
}

bool alloc_fault_fired(void)
{
    return state.fired;
}

void alloc_fault_each(alloc_fault_t fault, size_t most, void (*scenario)(void *ctx), void *ctx)
{
    for (size_t nth = 1; nth <= most; nth++) {
        alloc_watch();
        alloc_fail(fault, nth);
        scenario(ctx);
        bool fired = state.fired;
        if (state.live != 0)
            check_fail("%zu blocks leaked after failing allocation %zu", state.live, nth);
        alloc_unwatch();
        if (fired) continue;
        if (nth == 1) check_fail("the scenario allocates nothing");
        return;
    }
    check_fail("more than %zu allocations", most);
}
