-- needs: stream
--
-- KEYS: 1 the stream, 2 what goes with it, 3 its past. ARGV: 1 its channel, 2 TTL in ms or -1, 3 the
-- length limit or '', 4 where it must end or '', or *: tell every position, and no entry has an id; 5 ... the
-- entries, packed.
-- Returns every position; the position of the last if all are new; {position, how many are new}; or 1: it
-- has ended, 2: it ends elsewhere.

-- As a rule it goes without the library: to make its functions costs more than all of this. An entry
-- begins with n, or e if it ends the stream; one that has an id with i or f.
local call, byte = redis.call, string.byte
local entry = call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1]
local all = ARGV[4] == '*'
local plain = (all or ARGV[4] == '') and entry and (byte(entry[2][4]) == 110 or byte(entry[2][4]) == 105)
local ttl, limit, last = ARGV[2], ARGV[3], #ARGV
for i = 5, last do
  local kind = byte(ARGV[i])
  plain = plain and (kind == 110 or (kind == 101 and i == last))
end
if plain and ttl ~= '-1' and limit ~= '' then
  local previous, position = entry[1], nil
  local positions = {}
  if last == 5 then
    local packed = ARGV[5]
    position = call('XADD', KEYS[1], 'MAXLEN', limit, '*', 'p', previous, 'd', packed)
    positions[1] = position
    if #packed > 32768 and byte(packed) == 110 then packed = '' end
    call('PUBLISH', ARGV[1],
      'a' .. previous .. ' ' .. position .. ' ' .. #packed .. ' ' .. packed)
  else
    local parts, count, size = {'a', previous, ' '}, 3, 0
    position = previous
    for i = 5, last do
      local packed = ARGV[i]
      if size > 65536 then
        call('PUBLISH', ARGV[1], table.concat(parts))
        parts, count, size = {'a', position, ' '}, 3, 0
      end
      position = call('XADD', KEYS[1], '*', 'p', position, 'd', packed)
      positions[i - 4] = position
      if #packed > 32768 and byte(packed) == 110 then packed = '' end
      parts[count + 1], parts[count + 2], parts[count + 3] = position, ' ', #packed
      parts[count + 4], parts[count + 5] = ' ', packed
      count, size = count + 5, size + #packed
    end
    call('PUBLISH', ARGV[1], table.concat(parts))
    call('XTRIM', KEYS[1], 'MAXLEN', limit)
  end
  call('PEXPIRE', KEYS[1], ttl)
  if call('PEXPIRE', KEYS[2], ttl) == 1 then
    local tag = string.sub(KEYS[1], 17)
    for _, group in ipairs(call('XINFO', 'GROUPS', KEYS[1])) do
      call('PEXPIRE', 'langgraph:queue_naks:' .. tag .. ':' .. group[2], ttl)
    end
  end
  return all and positions or position
end
--LIBRARIES--
local stream = make_stream(KEYS[1], ARGV[1])
local packed = {}
for i = 5, last do packed[i - 4] = ARGV[i] end

local position, first = nil, first_of(stream)
local news = false
for i = 1, #packed do
  local id = id_of(packed[i])
  position = id and position_of(stream, id, first)
  news = news or not position
end
if not news then
  touch(stream, ttl)
  return {position, 0}
end
local tip, ending = last_of(stream)
if ending and ends(ending) then return 1 end
if not all and ARGV[4] ~= '' and ARGV[4] ~= (tip or '0-0') then return 2 end

local fresh = {}
local where = {} -- of each entry: its position, or its place among the fresh
local places = {}
for i = 1, #packed do
  local id = id_of(packed[i])
  where[i] = id and (places[id] or position_of(stream, id, first))
  if not where[i] then
    fresh[#fresh + 1] = packed[i]
    where[i] = #fresh
    if id then places[id] = #fresh end
  end
end
local positions = add(stream, fresh, ttl, limit)
if all then return positions end
local at = where[#packed]
return {type(at) == 'number' and positions[at] or at, #fresh}
