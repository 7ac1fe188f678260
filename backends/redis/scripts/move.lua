-- needs: names expiry blobs objects thread
--
-- Moves every object of a thread. KEYS: 1 the thread, 2 its shard, 3 the shard's expiry. ARGV: 1 names,
-- 2 tag, 3 the thread's place, 4 TTL in ms or -1, 5 where to go on.
-- Returns {whether the thread is there, where to go on}.

local thread = make_thread(ARGV[1], ARGV[2], ARGV[3], KEYS[2], KEYS[3])
purge(thread)
return {is_there(thread) and 1 or 0, move_thread(thread, 's', tonumber(ARGV[4]), ARGV[5])}
