-- needs: store
--
-- Behind a put by plain commands that found something else than was believed: what they left undone.
-- KEYS: 1 the shard, 2 the item. ARGV: 1 the encoded namespace, 2 the key, 3 when that put was, 4 the
-- head of what it replaced, or "".

local item, key = KEYS[2], ARGV[2]
local created, updated, ttl, mark = head_of(item)
if not created then return 0 end -- deleted since, and from the lists as well
if updated == ARGV[3] then
  local first, last = string.match(ARGV[4], '^(%d+) (%d+)')
  if last and tonumber(last) >= tonumber(updated) then updated = plain(last + 1) end
  call('SETRANGE', item, 0, (first or updated) .. ' ' .. updated)
end
local space = space_of(ARGV[1], KEYS[1])
if mark ~= 'x' then
  call('UNLINK', beside(item, 'vectors'))
  settle_sets(space, key)
end
if ttl ~= NO_TTL then return 1 end -- put again since, with a TTL, and its script has seen to the lists
call('ZADD', space.changes, '-' .. updated, key)
call('ZADD', space.keys, 0, key)
list_persistent(space, key, 0)
return 1
