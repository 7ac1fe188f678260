-- What changes a stream in the layout of Pure Graph, which backends/redis/redis_pure_graph.h tells of.
--
-- KEYS: 1 the stream, 2 ids, 3 the past, 4 the list, unless that is in another slot of a cluster
-- (pure_graph_list.lua); of a copy 5 ... 8 those of the target. ARGV: 1 what to do:
--   append  2 TTL in ms or -1, 3 the length limit or '', 4 where it must end or ''; then three an entry:
--           n, or e if it ends the stream, or i or f and its id; the message in base64; the message.
--           Returns {position of the last, how many are new}; or 1: it has ended, 2: it ends elsewhere.
--   clear   Returns how many events are gone.
--   copy    2 TTL. Returns how many there are in the copy; -1: the target is there.
--   out     Returns nothing, or the stream and the ids, or '', as DUMP gives them.
--   in      2 TTL, 3 and 4 what out gave. Returns as copy does.
--   info    Returns nothing, or {length, first, last, the last message in base64, TTL in ms or -1}.
--   ttl     2 TTL. Returns 1, or 0: the stream is not there.

local call, byte, sub, format = redis.call, string.byte, string.sub, string.format
local stream, ids, past, list = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local CLEARED_MS = 1000
local TRIM = 500

-- How a message begins that ends its stream: {"event":"__stream_end__ and so on, in base64.
local ENDINGS = {'eyJldmVudCI6Il9fc3RyZWFtX2VuZF9f', 'eyJldmVudCI6Il9fc3RyZWFtX2Vycm9yX18i',
                 'eyJldmVudCI6Il9fc3RyZWFtX2NhbmNlbF9f', 'eyJldmVudCI6Il9fc3lzdGVtX2NhbmNlbF9f'}

local function touch(keys, ttl)
  for _, key in ipairs(keys) do
    if tonumber(ttl) > 0 then
      call('PEXPIRE', key, ttl)
    else
      call('PERSIST', key)
    end
  end
end

local function message_of(entry)
  for i = 1, #entry[2], 2 do
    if entry[2][i] == 'data' then return entry[2][i + 1] end
  end
  return ''
end

local function is_before(a, b)
  local a_high, a_low = string.match(a, '^(%d+)-(%d+)$')
  local b_high, b_low = string.match(b, '^(%d+)-(%d+)$')
  a_high, b_high = tonumber(a_high), tonumber(b_high)
  if a_high ~= b_high then return a_high < b_high end
  return tonumber(a_low) < tonumber(b_low)
end

local function position_of(id, first)
  local position = first and call('HGET', ids, 'i' .. id)
  return position and not is_before(position, first) and position or nil
end

local function last_of()
  return call('XREVRANGE', stream, '+', '-', 'COUNT', 1)[1]
end

-- Behind all that the stream ever held.
local function beginning_of()
  local gone = call('GET', past)
  if not gone then return '*' end
  local time = call('TIME')
  local high, low = string.match(gone, '^.(%d+)-(%d+)$')
  if time[1] * 1000 + math.floor(time[2] / 1000) > tonumber(high) then return '*' end
  return high .. '-' .. format('%.0f', low + 1)
end

local function trim(limit)
  local length = call('XLEN', stream)
  local last
  while length > limit do
    local some = call('XRANGE', stream, '-', '+', 'COUNT', math.min(TRIM, length - limit))
    last = some[#some][1]
    length = length - #some
    call('XTRIM', stream, 'MAXLEN', length)
  end
  if not last then return end
  call('SET', past, 't' .. last)
  if list then call('LTRIM', list, -limit, -1) end
end

-- Ids whose events have gone may be half of what there is.
local function forget_ids()
  if call('HLEN', ids) <= 2 * call('XLEN', stream) + 100 then return end
  local first = call('XRANGE', stream, '-', '+', 'COUNT', 1)[1][1]
  local some = call('HRANDFIELD', ids, 64, 'WITHVALUES')
  for i = 1, #some, 2 do
    if is_before(some[i + 1], first) then call('HDEL', ids, some[i]) end
  end
end

local what = {}

function what.append()
  local ttl, first, position, news = ARGV[2], nil, nil, false
  local tip = last_of()
  for i = 5, #ARGV, 3 do
    local kind = byte(ARGV[i])
    position = nil
    if kind == 105 or kind == 102 then
      if tip and not first then first = call('XRANGE', stream, '-', '+', 'COUNT', 1)[1][1] end
      position = position_of(sub(ARGV[i], 2), first)
    end
    news = news or not position
  end
  if not news then
    touch(KEYS, ttl)
    return {position, 0}
  end
  if tip then
    local message = message_of(tip)
    for _, ending in ipairs(ENDINGS) do
      if sub(message, 1, #ending) == ending then return 1 end
    end
  end
  if ARGV[4] ~= '' and ARGV[4] ~= (tip and tip[1] or '0-0') then return 2 end
  local at, count = tip and '*' or beginning_of(), 0
  for i = 5, #ARGV, 3 do
    local id = #ARGV[i] > 1 and sub(ARGV[i], 2) or (byte(ARGV[i]) == 105 or byte(ARGV[i]) == 102) and ''
    position = id and position_of(id, first)
    if not position then
      position = call('XADD', stream, at, 'data', ARGV[i + 1])
      if list then call('RPUSH', list, ARGV[i + 2]) end
      first = first or position
      at, count = '*', count + 1
      if id then call('HSET', ids, 'i' .. id, position) end
    end
  end
  if ARGV[3] ~= '' then trim(tonumber(ARGV[3])) end
  if call('EXISTS', ids) == 1 then forget_ids() end
  touch(KEYS, ttl)
  return {position, count}
end

function what.clear()
  local count, tip = call('XLEN', stream), last_of()
  if tip then call('SET', past, 'c' .. tip[1], 'PX', CLEARED_MS) end
  call('UNLINK', stream, ids)
  if list then call('UNLINK', list) end
  return count
end

function what.copy()
  if call('EXISTS', KEYS[5]) == 1 then return -1 end
  if call('COPY', stream, KEYS[5]) == 0 then return 0 end
  for i = 2, 4, 2 do
    if call('COPY', KEYS[i], KEYS[4 + i], 'REPLACE') == 0 then call('UNLINK', KEYS[4 + i]) end
  end
  touch({KEYS[5], KEYS[6], KEYS[8]}, ARGV[2])
  return call('XLEN', KEYS[5])
end

what['out'] = function()
  local dump = call('DUMP', stream)
  return dump and {dump, call('DUMP', ids) or ''} or {}
end

what['in'] = function()
  if call('EXISTS', stream) == 1 then return -1 end
  call('RESTORE', stream, 0, ARGV[3])
  call('UNLINK', ids)
  if ARGV[4] ~= '' then call('RESTORE', ids, 0, ARGV[4]) end
  touch({stream, ids}, ARGV[2])
  return call('XLEN', stream)
end

function what.info()
  if call('EXISTS', stream) == 0 then return false end
  local first, tip = call('XRANGE', stream, '-', '+', 'COUNT', 1)[1], last_of()
  return {call('XLEN', stream), first and first[1] or '', tip and tip[1] or '',
          tip and message_of(tip) or '', call('PTTL', stream)}
end

function what.ttl()
  if call('EXISTS', stream) == 0 then return 0 end
  touch(KEYS, ARGV[2])
  return 1
end

return what[ARGV[1]]()
