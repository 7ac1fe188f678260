-- Run streams. Of one with the tag {id}:
--
--     langgraph:queue:{id}              a stream of Redis; an entry has one field: d, or b for the event
--                                       that the stream began with, or c for one that was claimed; its
--                                       value is the event, packed
--     langgraph:queue_more:{id}         a hash; "i" and an id: the position of the event that has it;
--                                       "g" and a group: how it was made; "d", of whom and a position: that
--                                       of the dead letter that came of it in another slot
--     langgraph:queue_naks:{id}:group   a sorted set: positions that a nak gave back, and when they are
--                                       due; Redis holds them for the consumer "-"
--     langgraph:queue_copy:{id}:n, langgraph:queue_copy_more:{id}:n   a copy to {id} that is being made
--                                       (stream_copy_in.lua); with a TTL of their own
--
-- All others have the TTL of the first. backends/redis/redis_stream_event.c packs events.
--
-- A position is 1-n. With each event n grows by one, from the microsecond in which the stream began: so
-- an event's predecessor is known from its position, and a stream that begins anew begins behind all that
-- it ever held, as no server appends a million events a second. That is what XADD makes of 1-* (from
-- Redis 7.0 on). The last id of a stream that has ended is 2 and something, behind all of these, so that
-- XADD fails: its TTL in ms then, or 1 for none; by that a claim's PEXPIRE is undone.
--
-- What is published says what it is with its first letter:
--     a  an append: "n size event size event ...", n that of the first event; an event that is too
--        large is left out: size 0
--     b  the same, and the stream began with it
--     h  "an count " or "bn count ": the next so many events come in messages of their own
--     e  these: "size event size event ..."; without an h they were not appended
--     c  a clear
--     g  a group has something to tell those who wait
--
-- On one server the channel is langgraph:queue@db:id, of PUBLISH. In a cluster it is
-- langgraph:queue@{id}, and in the slot of the stream: of SPUBLISH, from Redis 7.0 on.

local call, pcall_ = redis.call, redis.pcall
local byte, sub, format = string.byte, string.sub, string.format
local QUEUE = 'langgraph:queue'
local LARGE = 32768      -- an event that is not sent to who follows: they read it
local MESSAGE = 65536    -- about, of events that are sent together

local function make_stream(key, channel)
  local tag = sub(key, #QUEUE + 2)
  return {key = key, channel = channel, more = QUEUE .. '_more:' .. tag,
          naks = QUEUE .. '_naks:' .. tag .. ':'}
end

-- What it is published by. Before 7.0 servers say no number.
local function publisher_of(channel)
  return byte(channel, 17) == 123 and redis.REDIS_VERSION_NUM and 'SPUBLISH' or 'PUBLISH'
end

local function tell(stream, message) call(publisher_of(stream.channel), stream.channel, message) end

local function number_of(position) return tonumber(sub(position, 3)) end
local function position_at(number) return '1-' .. format('%.0f', number) end

local function first_of(stream)
  local entry = call('XRANGE', stream.key, '-', '+', 'COUNT', 1)[1]
  return entry and entry[1]
end

local function last_of(stream)
  local entry = call('XREVRANGE', stream.key, '+', '-', 'COUNT', 1)[1]
  if not entry then return nil end
  return entry[1], entry[2][2]
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

-- All that it consists of.
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

-- Of a stream that has ended, with its TTL.
local function seal(stream, ttl)
  ttl = tonumber(ttl)
  call('XSETID', stream.key, format('2-%.0f', ttl < 0 and 1 or math.max(ttl, 2)))
end

local function restore(stream)
  local facts = call('XINFO', 'STREAM', stream.key)
  for i = 1, #facts, 2 do
    local ttl = facts[i] == 'last-generated-id' and tonumber(string.match(facts[i + 1], '^2%-(%d+)$'))
    if ttl and ttl > 0 then touch(stream, ttl == 1 and '-1' or format('%.0f', ttl)) end
  end
end

-- Ids whose events have gone may be half of what there is.
local function forget_ids(stream)
  if call('HLEN', stream.more) <= 2 * call('XLEN', stream.key) + 100 then return end
  local first = first_of(stream)
  local some = call('HRANDFIELD', stream.more, 64, 'WITHVALUES')
  for i = 1, #some, 2 do
    if sub(some[i], 1, 1) ~= 'g' and is_before(some[i + 1], first) then
      call('HDEL', stream.more, some[i])
    end
  end
end

local function publish(stream, began, first, packed)
  local parts, size = {(began and 'b' or 'a') .. format('%.0f ', first)}, 0
  for i = 1, #packed do
    local event = (#packed[i] <= LARGE or ends(packed[i])) and packed[i] or ''
    if size > MESSAGE then
      tell(stream, table.concat(parts))
      parts, size = {'a' .. format('%.0f ', first + i - 1)}, 0
    end
    parts[#parts + 1] = #event .. ' '
    parts[#parts + 1] = event
    size = size + #event
  end
  tell(stream, table.concat(parts))
end

-- Appends, whatever the stream holds. Returns the number of the first.
local function add(stream, packed, ttl, limit)
  local tip, ending = last_of(stream)
  local first, has_ids = nil, false
  if tip then
    first = number_of(tip) + 1
    if ends(ending) then call('XSETID', stream.key, tip) end
  else
    local time = call('TIME')
    first = time[1] * 1000000 + time[2]
  end
  for i = 1, #packed do
    local field = (tip or i > 1) and 'd' or 'b'
    local position = call('XADD', stream.key, position_at(first + i - 1), field, packed[i])
    local id = id_of(packed[i])
    if id then
      call('HSET', stream.more, 'i' .. id, position)
      has_ids = true
    end
  end
  if ends(packed[#packed]) then seal(stream, ttl) end
  if limit ~= '' then call('XTRIM', stream.key, 'MAXLEN', limit) end
  touch(stream, ttl)
  if has_ids then forget_ids(stream) end
  publish(stream, not tip, first, packed)
  return first
end
