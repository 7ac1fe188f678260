-- needs: names objects expiry thread
--
-- ARGV: 1 stem, 2 "{thread}:ns", 3 ns, 4 place, 5 id, 6 TTL in ms or -1, 7 flags (g: the call gave
-- its TTL, s: shallow, t: the TTL is the thread's), 8 body, 9 metadata, 10 "=" .. parent or "",
-- 11 "=" .. run or "", 12 suffixes of all channels, then for each that changed what it stores
-- (s, e, d) .. suffix, and the value.
-- Returns '', or where to go on moving the thread (lib_thread.lua).

local space = make_space(ARGV[2], ARGV[3], ARGV[4], KEYS[1], KEYS[2], KEYS[3])
local id, ttl, flags, metadata, list = ARGV[5], tonumber(ARGV[6]), ARGV[7], ARGV[9], ARGV[12]
local parent = ARGV[10] ~= '' and sub(ARGV[10], 2) or nil
local run = ARGV[11] ~= '' and sub(ARGV[11], 2) or nil
local given = find(flags, 'g', 1, true)

local order, users, pins = {}, {}, {}
local fields = {'c' .. id, 'x', 'f'}
for suffix in gmatch(list, '[^ ]+') do
  if not users[suffix] then
    order[#order + 1], users[suffix] = suffix, 1
    fields[#fields + 1] = 'b' .. suffix
  end
end
local there = hmget(space.refs, fields)
local lives_until = there[2] and tonumber(there[2])
if there[3] and purge(space) then
  there = hmget(space.refs, fields)
  if call('EXISTS', space.index) == 0 then lives_until = 0 end
end
local old_ttl, old_has, old_run, old_list
if there[1] then
  old_ttl, old_has, old_run, old_list = read_record(there[1])
  if old_ttl == 0 and not given then ttl = -1 end
end

local at = ttl > 0 and now() + ttl or nil
local pin = at and 0 or 1
for i = 1, #order do pins[order[i]] = pin end
if old_has then
  local seen, old_pin = {}, old_ttl == 0 and 1 or 0
  for suffix in gmatch(old_list, '[^ ]+') do
    if not seen[suffix] then
      seen[suffix] = true
      if not users[suffix] then
        order[#order + 1], users[suffix], pins[suffix] = suffix, 0, 0
      end
      users[suffix] = users[suffix] - 1
      pins[suffix] = pins[suffix] - old_pin
    end
  end
end

-- Memory runs out here or not at all: nothing is changed before.
local escaped, member = escape(id), encode(id) .. space.place
local key = space.checkpoint .. escaped
if parent then
  call('HSET', key, 'b', ARGV[8], 'm', metadata, 'p', parent)
else
  call('HSET', key, 'b', ARGV[8], 'm', metadata)
  if old_has then call('HDEL', key, 'p') end
end
local left = old_has and old_ttl > 0 and tonumber(call('ZSCORE', space.expiry, id)) or nil
if at then
  call('PEXPIREAT', key, at)
  call('ZADD', space.expiry, at, id)
  if there[1] then call('PEXPIREAT', space.write .. escaped, at) end
elseif there[1] and old_ttl > 0 then
  call('PERSIST', key)
  call('PERSIST', space.write .. escaped)
  call('ZREM', space.expiry, id)
end
if not old_has then
  call('ZADD', space.index, 0, id)
  if there[1] then call('ZREM', space.lone, id) end
end
if at then purge_shard(space) end
enlist(space, member, at, not old_has)

local kinds, values, has_delta = {}, {}, false
for i = 13, #ARGV, 2 do
  local suffix, kind = sub(ARGV[i], 2), sub(ARGV[i], 1, 1)
  kinds[suffix], values[suffix] = kind, ARGV[i + 1]
  has_delta = has_delta or kind == 'd'
end
local together = {}
local function store(blob, suffix, expires)
  local kind = kinds[suffix]
  if kind == 's' then
    if expires then
      call('SET', blob, values[suffix], 'PXAT', expires)
    else
      together[#together + 1] = blob
      together[#together + 1] = values[suffix]
    end
  end
  return kind
end

local to_set = {'c' .. id, make_record(at and ttl or 0, true, run, list)}
local loose = account(space, order, users, pins, at, left, to_set, not old_has and there or nil, 3,
                      store)
for first = 1, #together, MOST do
  call('MSET', unpack(together, first, math.min(first + MOST - 1, #together)))
end
if at and not there[3] then
  to_set[#to_set + 1] = 'f'
  to_set[#to_set + 1] = 1
end
if has_delta or find(metadata, 'counters_since_delta_snapshot', 1, true) then
  to_set[#to_set + 1] = 'd'
  to_set[#to_set + 1] = 1
end
hset(space.refs, to_set)
tighten(space, loose)
if old_run and old_run ~= run then leave_runs({[old_run] = {member}}) end
if run then join_run(run, member, at, old_run == run) end

lives_until = cover(space, lives_until, at)
if find(flags, 's', 1, true) then
  local newest = call('ZREVRANGE', space.index, 0, 0)[1]
  local older = call('ZREVRANGE', space.index, 1, -1)
  local lone = call('ZRANGEBYLEX', space.lone, '-', '(' .. newest)
  if #older > 0 then drop(space, older) end
  if #lone > 0 then drop(space, lone) end
end
if at and ((given and there[1]) or (lives_until == inf and find(flags, 's', 1, true))) then
  settle(space)
end
if not find(flags, 't', 1, true) then return '' end
return (move_thread(ARGV[2], ARGV[4], '', given and 'set' or 'default', tonumber(ARGV[6])))
