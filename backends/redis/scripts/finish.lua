-- needs: names expiry blobs objects thread
--
-- Goes on with what a put, or a get that puts the TTL of a thread back, did not finish.
--
-- KEYS: 1 the thread, 2 the shard, 3 its expiry. ARGV: 1 names, 2 tag, 3 the thread's place, 4 how:
-- s, d or r and the TTL (move_thread), or k, how to go on behind it, a blank and the beginning of a
-- namespace (keep_newest), 5 where.
-- Returns '', or what to go on with.

-- What is begun must be ended without memory, too: put.lua.
call('ZREMRANGEBYRANK', KEYS[1], 1, 0)
local thread = make_thread(ARGV[1], ARGV[2], ARGV[3], KEYS[2], KEYS[3])
local how = ARGV[4]
local has_ghosts = purge(thread)
if sub(how, 1, 1) == 'k' then
  if has_ghosts then return go_on(thread, ARGV[1], how, '') end
  local behind, start = string.match(how, '^k(%S+) (.*)$')
  local _, seen = keep_newest(space_of(thread, start), 1, nil, nil, BUDGET)
  settle(thread)
  if seen == BUDGET then return go_on(thread, ARGV[1], how, '') end
  return go_on(thread, ARGV[1], behind, behind == 'r' and 's' or '')
end
local cursor = move_thread(thread, sub(how, 1, 1), tonumber(sub(how, 2)) or 0, ARGV[5])
return cursor ~= '' and go_on(thread, ARGV[1], how, cursor) or ''
