-- Before every script of a cluster: its first key may be one that never exists, so that it does not run
-- while its slot is on its way to another node (redis_script.h). It is none of the script's own.
if KEYS[1] and string.sub(KEYS[1], 1, 15) == 'langgraph:none:' then table.remove(KEYS, 1) end
