-- needs: names objects expiry thread
--
-- Moves every object of a thread. ARGV: 1 stem, 2 "{thread}", 3 the thread's place, 4 how
-- (lib_thread.lua), 5 TTL in ms or -1, 6 where to go on.
-- Returns {whether the thread is there, where to go on}.

local cursor, is_there = move_thread(ARGV[2], ARGV[3], ARGV[6], ARGV[4], tonumber(ARGV[5]))
return {is_there and 1 or 0, cursor}
