-- Groups are groups of Redis, named as in keys. A member is the consumer "m" and its name; what a nak gave
-- back is held for "-". How a group was made: "deliveries ttl limit tag channel", the last four of its
-- dead letters; without any it is "0".

local NOBODY = '-'

-- False: there is no such group.
local function has_group(stream, group)
  return not pcall_('XPENDING', stream.key, group, '-', '+', 1).err
end

-- What has left the stream is not delivered again.
local function forget_trimmed(stream, group)
  local first = first_of(stream)
  if not first then return end
  repeat
    local gone = call('XPENDING', stream.key, group, '-', '(' .. first, 500)
    for i = 1, #gone do
      call('XACK', stream.key, group, gone[i][1])
      call('ZREM', stream.naks .. group, gone[i][1])
    end
  until #gone < 500
end

local function now_ms()
  local time = call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

local function options_of(stream, group)
  local made = call('HGET', stream.more, 'g' .. group) or '0'
  local deliveries, ttl, limit, tag, channel =
    string.match(made, '^(%d+) (%S+) (%d*) (%S+) (.*)$')
  if not deliveries then return {deliveries = 0} end
  return {deliveries = tonumber(deliveries), ttl = ttl, limit = limit,
          letters = make_stream(QUEUE .. ':' .. tag, channel)}
end

-- Of a held event: {position, consumer, idle, deliveries}.
local function held_of(stream, group, position)
  return call('XPENDING', stream.key, group, position, position, 1)[1]
end

-- To the dead letters, but for one that ends the stream. True if that had to be.
local function bury(stream, group, options, held)
  if options.deliveries == 0 or held[4] < options.deliveries then return false end
  local entry = call('XRANGE', stream.key, held[1], held[1])[1]
  if entry and not ends(entry[2][4]) then
    add(options.letters, {entry[2][4]}, options.ttl, options.limit)
  end
  call('XACK', stream.key, group, held[1])
  call('ZREM', stream.naks .. group, held[1])
  return true
end
