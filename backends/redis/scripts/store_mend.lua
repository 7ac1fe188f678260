-- needs: store
--
-- Behind a put by plain commands that found something else than was believed: what they left undone.
-- Doing it twice is as doing it once.
-- KEYS: 1 the shard, 2 the item. ARGV: 1 the encoded namespace, 2 the key, 3 the head of what was put, up to
-- its TTL; 4 the head of what it replaced, or "", or "?" if that is not known.

local item, key = KEYS[2], ARGV[2]
local created, updated, ttl, mark = head_of(item)
if not created then return 0 end -- deleted since, and from the lists as well
local space = space_of(ARGV[1], KEYS[1])
-- What is begun must be ended though the server is out of memory: it lets a script go on that has
-- written before, and this writes nothing.
call('ZREMRANGEBYRANK', space.changes, 1, 0)
local believed, put = string.match(ARGV[3], '^(%d+) (%d+)')
if created == believed and ARGV[4] ~= '?' then
  local first, last = string.match(ARGV[4], '^(%d+) (%d+)')
  -- Later than what it took the place of, also if it was put again from here since.
  if last and tonumber(last) >= tonumber(updated) then updated = plain(last + 1) end
  call('SETRANGE', item, 0, (first or put) .. ' ' .. updated)
end
if mark ~= 'x' then
  call('UNLINK', beside(item, 'vectors'))
  settle_sets(space, key)
end
call('ZADD', space.changes, '-' .. updated, key)
call('ZADD', space.keys, 0, key)
list_persistent(space, key, 0)
if ttl == NO_TTL then return 1 end
call('ZADD', space.expiry, plain(now() + call('PTTL', item)), key) -- given one since
settle(space)
return 1
