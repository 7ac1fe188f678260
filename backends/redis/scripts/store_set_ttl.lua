-- needs: store
--
-- KEYS: 1 the shard, 2 the item. ARGV: 1 the encoded namespace, 2 the key, 3 the TTL in ms or -1.
-- Returns whether the item is there.

local head = call('HGET', KEYS[2], 'h')
if not head then return 0 end
local created, updated, before = split(head)
local space = space_of(ARGV[1], KEYS[1])
call('HSET', KEYS[2], 'h', created .. ' ' .. updated .. ' ' .. ARGV[3])
if live(space, KEYS[2], ARGV[2], tonumber(ARGV[3]), tonumber(before)) then settle(space) end
return 1
