-- needs: names objects expiry thread
--
-- Drops the checkpoints of a run, in whatever threads they are. KEYS[1]: the run's. ARGV: 1 stem,
-- 2 beginning of threads' keys, 3 of shards' keys, 4 of the other shards' keys, 5 the run, 6 ignored.
-- Returns {how many checkpoints are gone, '' or '+' if there are more}.

local function read_encoded(bytes, at, terminator)
  local last = select(2, find(bytes, terminator, at, true))
  return sub(bytes, at, last - 2), last + 1
end

local function decode(encoded)
  return (gsub(encoded, '%z\255', '\0'))
end

-- As redis_shard does.
local function shard_of(thread)
  local hash = 0
  for i = 1, #thread do hash = (hash * 33 + string.byte(thread, i)) % 65521 end
  return hash % 64
end

local members = call('ZRANGE', KEYS[1], 0, BUDGET - 1)
local by_place = {}
for i = 1, #members do
  local id, at = read_encoded(members[i], 1, '\0\0')
  local place = sub(members[i], at)
  by_place[place] = by_place[place] or {}
  table.insert(by_place[place], decode(id))
end
if #members > 0 then with_all(members, 'ZREM', KEYS[1]) end
settle_by_top(KEYS[1])
local count = 0
for place, ids in pairs(by_place) do
  local plain = invert(place)
  local thread, at = read_encoded(plain, 1, '\0\0')
  local ns = decode(sub(plain, at, -3))
  thread = decode(thread)
  local tag, shard = '{' .. escape(thread) .. '}', shard_of(thread)
  local space = space_of(tag, place_of_thread(place), ns, ARGV[2] .. tag, ARGV[3] .. shard,
                         ARGV[4] .. shard)
  -- One that expired and came again may be of another run.
  purge(space)
  local fields, doomed = {}, {}
  for i = 1, #ids do fields[i] = 'c' .. ids[i] end
  local records = hmget(space.refs, fields)
  for i = 1, #ids do
    if records[i] and select(3, read_record(records[i])) == ARGV[5] then doomed[#doomed + 1] = ids[i] end
  end
  if #doomed > 0 then
    count = count + drop(space, doomed)
    settle(space)
  end
end
return {count, #members == BUDGET and '+' or ''}
