-- needs: names expiry blobs objects thread rows
--
-- Of one checkpoint. KEYS: 1 the thread, 2 its shard, 3 the shard's expiry. ARGV: 1 names, 2 tag,
-- 3 the thread's place, 4 the beginning of the namespace, 5 "=" .. id or "" for the latest, 6 TTL in
-- ms or -1, 7 where to go on.
-- Returns {whether it is there, where to go on}.

local thread = make_thread(ARGV[1], ARGV[2], ARGV[3], KEYS[2], KEYS[3])
if sub(ARGV[7], 1, 1) == 's' then return {1, sweep_from(thread, ARGV[7])} end
local space = space_of(thread, ARGV[4])
purge(thread)
local id, head, more = sub(ARGV[5], 2), nil, nil
if ARGV[5] == '' then id, head, more = read_latest(space) end
if more then return {0, 'l'} end
if not id or call('HEXISTS', space.checkpoint .. escape(id), 'l') == 0 then return {0, ''} end
local shortened = {}
local settled = move(thread, 'c' .. space.start .. id, math.max(tonumber(ARGV[6]), 0),
                     ttl_of(space, id) or 0, shortened)
local loose = rebind_all(shortened)
if not settled then settle(thread) end
return {1, loose and 's' or ''}
