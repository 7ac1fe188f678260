-- needs: store
--
-- KEYS: 1 the shard, 2 the item. ARGV: 1 the encoded namespace, 2 the key, 3 the TTL, 16 digits.
-- Returns whether the item is there.

local created, _, before, mark = head_of(KEYS[2])
if not created then return 0 end
local space = space_of(ARGV[1], KEYS[1])
call('SETRANGE', KEYS[2], HEAD - 17, ARGV[3])
if live(space, KEYS[2], ARGV[2], mark, tonumber(ARGV[3]), before) then settle(space) end
return 1
