-- needs: stream
--
-- KEYS: 1 the stream, 2 what goes with it. ARGV: 1 its channel, 2 "TTL limit last": TTL in ms or -1, the
-- length limit or nothing, where it must end or nothing; 3 ... the entries, packed.
-- Returns the position of the last if all are new and Redis numbers them; {position, how many are new}; or
-- 1: it has ended, 2: it ends elsewhere.
--
-- In the place of last, of an entry that a position was claimed for (redis_stream_claim.c): !, it was
-- refused; !position, perhaps it was: then an entry of another is there, and it is appended now. If not, one
-- with the field c is there, or what was there is gone, or nothing was done at all: nor is it now, and this
-- is 3.

-- As a rule it goes without the library: to make its functions costs more than all of this. An entry
-- begins with n, or e if it ends the stream; one that has an id with i or f.
local call, byte, sub = redis.call, string.byte, string.sub
local ttl, limit, expected = string.match(ARGV[2], '^(%S+) (%d*) (%S*)$')
local last, plain = #ARGV, expected == '' and ttl ~= '-1'
for i = 3, last do plain = plain and byte(ARGV[i]) == 110 end
local was_claimed, claimed = byte(expected) == 33, sub(expected, 2)
if was_claimed and claimed ~= '' then
  local entry = redis.pcall('XRANGE', KEYS[1], claimed, claimed)[1]
  if not entry or entry[2][1] == 'c' then return 3 end
end
local position = plain and redis.pcall('XADD', KEYS[1], 'NOMKSTREAM', '1-*', 'd', ARGV[3])
if position == '1-0' then -- there was nothing but groups
  call('XDEL', KEYS[1], position)
elseif type(position) == 'string' then
  local parts, count, size = {'a', sub(position, 3), ' '}, 3, 0
  local publish = byte(ARGV[1], 17) == 123 and redis.REDIS_VERSION_NUM and 'SPUBLISH' or 'PUBLISH'
  for i = 3, last do
    local packed = ARGV[i]
    if size > 65536 then
      call(publish, ARGV[1], table.concat(parts))
      parts, count, size = {'a', string.format('%.0f', sub(position, 3) + 1), ' '}, 3, 0
    end
    if i > 3 then position = call('XADD', KEYS[1], '1-*', 'd', packed) end
    if #packed > 32768 then packed = '' end
    parts[count + 1], parts[count + 2], parts[count + 3] = #packed, ' ', packed
    count, size = count + 3, size + #packed
  end
  call(publish, ARGV[1], table.concat(parts))
  if limit ~= '' then call('XTRIM', KEYS[1], 'MAXLEN', limit) end
  call('PEXPIRE', KEYS[1], ttl)
  if call('PEXPIRE', KEYS[2], ttl) == 1 then
    for _, group in ipairs(call('XINFO', 'GROUPS', KEYS[1])) do
      call('PEXPIRE', 'langgraph:queue_naks:' .. sub(KEYS[1], 17) .. ':' .. group[2], ttl)
    end
  end
  return position
end
--LIBRARIES--
local stream = make_stream(KEYS[1], ARGV[1])
local packed = {}
for i = 3, last do packed[i - 2] = ARGV[i] end

local at, first = nil, first_of(stream)
local news = false
for i = 1, #packed do
  local id = id_of(packed[i])
  at = id and position_of(stream, id, first)
  news = news or not at
end
if not news then
  touch(stream, ttl)
  return {at, 0}
end
local tip, ending = last_of(stream)
if ending and ends(ending) then
  if was_claimed then restore(stream) end
  return 1
end
if not was_claimed and expected ~= '' and expected ~= (tip or '0-0') then return 2 end

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
local begin = add(stream, fresh, ttl, limit)
at = where[#packed]
return {type(at) == 'number' and position_at(begin + at - 1) or at, #fresh}
