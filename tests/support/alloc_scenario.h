/* The life of a broker with an allocation failing somewhere in it, for any backend. */
#ifndef TESTS_SUPPORT_ALLOC_SCENARIO_H
#define TESTS_SUPPORT_ALLOC_SCENARIO_H

/* Open, subscribe, publish, deliver, overflow, unsubscribe, close on `url` (const char *, as ctx),
 * for alloc_fault_each. Calls that need memory may say UV_ENOMEM; then what follows is left out.
 * What was accepted must end, and a message that is lost must leave a GAP or FAILED. */
void alloc_scenario(void *url);

/* The same with the memory gone for good: only that everything ends. */
void alloc_scenario_to_the_end(void *url);

#endif
