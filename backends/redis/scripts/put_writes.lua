-- needs: names expiry blobs objects thread
--
-- What goes before the RPUSHX of pending writes where that alone will not do: their object is not
-- there yet, or its expiry moves.
--
-- KEYS: 1 writes, 2 the checkpoint, 3 the thread, 4 the shard, 5 its expiry, 6 the thread's. ARGV: 1 the thread's
-- member without its kind, 2 the thread's place, 3 flags (g: the call gave its TTL, t: the TTL is the
-- thread's), 4 TTL in ms or -1, 5 names, 6 tag.
-- Returns '', or what to go on with (finish.lua).

-- A new object that never expires, where nothing else does.
if ARGV[3] == '' and ARGV[4] == '-1' and redis.call('EXISTS', KEYS[1], KEYS[6]) == 0 then
  redis.call('RPUSH', KEYS[1], '')
  redis.call('ZADD', KEYS[3], 0, 'w' .. ARGV[1])
  return ''
end
--LIBRARIES--
local flags, ttl = ARGV[3], tonumber(ARGV[4])
local given = find(flags, 'g', 1, true)
local thread = make_thread(ARGV[5], ARGV[6], ARGV[2], KEYS[4], KEYS[5])
local space, id = place_of(thread, 'w' .. ARGV[1])
purge(thread)
local old = ttl_of(space, id)
local more
if not old then
  local at = ttl > 0 and now() + ttl or nil
  call('RPUSH', KEYS[1], at and plain(ttl) or '')
  if at then call('PEXPIREAT', KEYS[1], plain(at)) end
  list(thread, 'w' .. ARGV[1], at)
elseif given and not (old == 0 and ttl <= 0) then
  local kind = call('HEXISTS', KEYS[2], 'l') == 1 and 'c' or 'w'
  local shortened = {}
  local settled = move(thread, kind .. ARGV[1], math.max(ttl, 0), old, shortened)
  more = rebind_all(shortened)
  if not settled then settle(thread) end
end
if find(flags, 't', 1, true) then
  local how = given and 's' or 'd'
  local cursor = move_thread(thread, how, ttl, '')
  return cursor ~= '' and go_on(thread, ARGV[5], how .. ARGV[4], cursor) or ''
end
return more and go_on(thread, ARGV[5], 'r', 's') or ''
