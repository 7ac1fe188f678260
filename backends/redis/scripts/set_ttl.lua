-- needs: names objects expiry rows
--
-- ARGV: 1 stem, 2 "{thread}:ns", 3 ns, 4 place, 5 "=" .. id or "" for the latest, 6 TTL in ms or -1.
-- Returns whether it is there.

local space = make_space(ARGV[2], ARGV[3], ARGV[4], KEYS[1], KEYS[2], KEYS[3])
local id = ARGV[5] ~= '' and sub(ARGV[5], 2) or read_latest(space)
if not id or call('EXISTS', space.checkpoint .. escape(id)) == 0 then return 0 end
local there = call('HMGET', space.refs, 'c' .. id, 'x')
if not there[1] then return 0 end
local at = move(space, id, there[1], math.max(tonumber(ARGV[6]), 0))
cover(space, tonumber(there[2] or 0), at)
if at then settle(space) end
return 1
