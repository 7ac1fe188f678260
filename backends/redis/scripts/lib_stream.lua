-- Run streams. Of one with the tag {id}:
--
--     langgraph:queue:{id}              a stream of Redis; an entry is p: the position of its
--                                       predecessor, or 0-0, and d: the event, packed
--     langgraph:queue_more:{id}         a hash; "i" and an id: the position of the event that has it;
--                                       "g" and a group: how it was made
--     langgraph:queue_naks:{id}:group   a sorted set: positions that a nak gave back, and when they are
--                                       due; Redis holds them for the consumer "-"
--     langgraph:queue_past:{id}         for a moment after a clear: the last position there was
--
-- All but the last have the TTL of the first. backends/redis/redis_stream_event.c packs events. What is
-- published says what it is with its first letter: a, an append, "previous position size event
-- position size event ..." (an event that is too large is left out: size 0); c, a clear; g, a group has
-- something to tell those who wait.

local call, pcall_ = redis.call, redis.pcall
local byte, sub, format = string.byte, string.sub, string.format
local QUEUE = 'langgraph:queue'
local LARGE = 32768      -- an event that is not sent to who follows: they read it
local MESSAGE = 65536    -- about, of events that are sent together
local PAST_MS = '1000'

local function make_stream(key, channel)
  local tag = sub(key, #QUEUE + 2)
  return {key = key, channel = channel, more = QUEUE .. '_more:' .. tag,
          naks = QUEUE .. '_naks:' .. tag .. ':', past = QUEUE .. '_past:' .. tag}
end

local function first_of(stream)
  local entry = call('XRANGE', stream.key, '-', '+', 'COUNT', 1)[1]
  return entry and entry[1]
end

local function last_of(stream)
  local entry = call('XREVRANGE', stream.key, '+', '-', 'COUNT', 1)[1]
  if not entry then return nil end
  return entry[1], entry[2][4], entry[2][2]
end

local function is_before(a, b)
  local a_high, a_low = string.match(a, '^(%d+)-(%d+)$')
  local b_high, b_low = string.match(b, '^(%d+)-(%d+)$')
  a_high, b_high = tonumber(a_high), tonumber(b_high)
  if a_high ~= b_high then return a_high < b_high end
  return tonumber(a_low) < tonumber(b_low)
end

local function ends(packed)
  local kind = byte(packed)
  return kind == 101 or kind == 102
end

-- The id that it was appended with.
local function id_of(packed)
  local kind = byte(packed)
  if kind ~= 105 and kind ~= 102 then return nil end
  local size, factor, at = 0, 1, 2
  local digit = byte(packed, at)
  while digit >= 128 do
    size = size + (digit - 128) * factor
    factor = factor * 128
    at = at + 1
    digit = byte(packed, at)
  end
  size = size + digit * factor
  return sub(packed, at + 1, at + size)
end

-- Of the event with this id that the stream holds, whose first event is given.
local function position_of(stream, id, first)
  local position = first and call('HGET', stream.more, 'i' .. id)
  return position and not is_before(position, first) and position or nil
end

local function groups_of(stream)
  local names = {}
  local groups = pcall_('XINFO', 'GROUPS', stream.key)
  for i = 1, groups.err and 0 or #groups do names[i] = groups[i][2] end
  return names
end

-- All that it consists of, but for its past.
local function keys_of(stream)
  local keys = {stream.key, stream.more}
  for _, group in ipairs(groups_of(stream)) do keys[#keys + 1] = stream.naks .. group end
  return keys
end

local function touch(stream, ttl)
  for _, key in ipairs(keys_of(stream)) do
    if tonumber(ttl) > 0 then
      call('PEXPIRE', key, ttl)
    else
      call('PERSIST', key)
    end
  end
end

local function touch_as_it_is(stream)
  local left = call('PTTL', stream.key)
  touch(stream, format('%.0f', left == 0 and 1 or left))
end

-- Ids whose events have gone may be half of what there is.
local function forget_ids(stream)
  if call('HLEN', stream.more) <= 2 * call('XLEN', stream.key) + 100 then return end
  local first = first_of(stream)
  local some = call('HRANDFIELD', stream.more, 64, 'WITHVALUES')
  for i = 1, #some, 2 do
    if sub(some[i], 1, 1) == 'i' and is_before(some[i + 1], first) then
      call('HDEL', stream.more, some[i])
    end
  end
end

-- Where a stream begins that holds nothing: behind all that it ever held.
local function beginning_of(stream)
  local past = call('GET', stream.past)
  if not past then return '*' end
  local time = call('TIME')
  local high, low = string.match(past, '^(%d+)-(%d+)$')
  if time[1] * 1000 + math.floor(time[2] / 1000) > tonumber(high) then return '*' end
  return high .. '-' .. format('%.0f', low + 1)
end

local function publish(stream, previous, positions, packed)
  local parts, size = {'a', previous, ' '}, 0
  for i = 1, #packed do
    local event = (#packed[i] <= LARGE or ends(packed[i])) and packed[i] or ''
    if size > MESSAGE then
      call('PUBLISH', stream.channel, table.concat(parts))
      parts, size = {'a', positions[i - 1], ' '}, 0
    end
    parts[#parts + 1] = positions[i] .. ' ' .. #event .. ' '
    parts[#parts + 1] = event
    size = size + #event
  end
  call('PUBLISH', stream.channel, table.concat(parts))
end

-- Appends, whatever the stream holds. Returns the positions.
local function add(stream, packed, ttl, limit)
  local previous = last_of(stream)
  local at = previous and '*' or beginning_of(stream)
  local positions, last, has_ids = {}, previous or '0-0', false
  for i = 1, #packed do
    last = call('XADD', stream.key, at, 'p', last, 'd', packed[i])
    at = '*'
    positions[i] = last
    local id = id_of(packed[i])
    if id then
      call('HSET', stream.more, 'i' .. id, last)
      has_ids = true
    end
  end
  if limit ~= '' then call('XTRIM', stream.key, 'MAXLEN', limit) end
  touch(stream, ttl)
  if has_ids then forget_ids(stream) end
  publish(stream, previous or '0-0', positions, packed)
  return positions
end
