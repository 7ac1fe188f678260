-- needs: names objects expiry thread
--
-- ARGV: 1 stem, 2 "{thread}:ns", 3 ns, 4 place, 5 id, 6 TTL in ms or -1, 7 flags (g: the call gave
-- its TTL, t: the TTL is the thread's), 8 how many writes follow that do not replace one; then field
-- and value of each of these and of all others.
-- Returns '', or where to go on moving the thread (lib_thread.lua).

local space = make_space(ARGV[2], ARGV[3], ARGV[4], KEYS[1], KEYS[2], KEYS[3])
local id, ttl, flags, firsts = ARGV[5], tonumber(ARGV[6]), ARGV[7], tonumber(ARGV[8])
local given = find(flags, 'g', 1, true)
local key = space.write .. escape(id)

local fields = {'c' .. id, 'x', 'f'}
local there = call('HMGET', space.refs, unpack(fields))
local lives_until = there[2] and tonumber(there[2])
if there[3] and purge(space) then
  there = call('HMGET', space.refs, unpack(fields))
  if call('EXISTS', space.index) == 0 then lives_until = 0 end
end
local record = there[1]
local old_ttl, has
if record then old_ttl, has = read_record(record) end

local to_set, names = {}, {}
for i = 1, firsts do names[i] = ARGV[7 + 2 * i] end
local taken = record and firsts > 0 and hmget(key, names) or {}
for i = 1, firsts do
  if not taken[i] then
    to_set[#to_set + 1] = names[i]
    to_set[#to_set + 1] = ARGV[8 + 2 * i]
  end
end
for i = 9 + 2 * firsts, #ARGV do to_set[#to_set + 1] = ARGV[i] end
hset(key, to_set)

if record and old_ttl == 0 and not given then ttl = -1 end
local at
if not record then
  record = make_record(ttl > 0 and ttl or 0, false, nil, '')
  call('HSET', space.refs, 'c' .. id, record)
  call('ZADD', space.lone, 0, id)
  if ttl > 0 then
    at = now() + ttl
    call('PEXPIREAT', key, at)
    call('ZADD', space.expiry, at, id)
    if not there[3] then call('HSET', space.refs, 'f', 1) end
  end
elseif ttl > 0 or old_ttl > 0 then
  at = move(space, id, record, math.max(ttl, 0))
end
local lives_on = cover(space, lives_until, at)
if lives_on == lives_until and lives_on ~= inf then call('PEXPIREAT', space.lone, lives_on) end
if at and given and there[1] then settle(space) end
if not find(flags, 't', 1, true) then return '' end
return (move_thread(ARGV[2], ARGV[4], '', given and 'set' or 'default', tonumber(ARGV[6])))
