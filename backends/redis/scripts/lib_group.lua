-- Groups are groups of Redis, named as in keys. A member is the consumer "m" and its name; what a nak gave
-- back is held for "-", which is there from the beginning. How a group was made: "deliveries ttl limit tag
-- channel", the last four of its dead letters; without any it is "0".

local NOBODY = '-'
local BUDGET = 400 -- entries that a call looks at, at the most; who called calls again

-- False: there is no such group.
local function has_group(stream, group)
  return not pcall_('XPENDING', stream.key, group, '-', '+', 1).err
end

-- What has left the stream is not delivered again. Returns where the stream begins, and whether there may
-- be more.
local function forget_trimmed(stream, group)
  local first = first_of(stream)
  if not first then return nil, false end
  local gone = call('XPENDING', stream.key, group, '-', '(' .. first, BUDGET)
  local positions = {}
  for i = 1, #gone do positions[i] = gone[i][1] end
  if #gone > 0 then
    call('XACK', stream.key, group, unpack(positions))
    call('ZREM', stream.naks .. group, unpack(positions))
  end
  return first, #gone == BUDGET
end

local function now_ms()
  local time = call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

local function options_of(stream, group)
  local made = call('HGET', stream.more, 'g' .. group) or '0'
  local deliveries, ttl, limit, tag, channel =
    string.match(made, '^(%d+) (%S+) (%d*) (%S+) (.*)$')
  if not deliveries then return {deliveries = 0, dead = {}, buried = {}} end
  return {deliveries = tonumber(deliveries), ttl = ttl, limit = limit, dead = {}, buried = {},
          letters = make_stream(QUEUE .. ':' .. tag, channel)}
end

-- Of a held event: {position, consumer, idle, deliveries}.
local function held_of(stream, group, position)
  return call('XPENDING', stream.key, group, position, position, 1)[1]
end

-- Whether it has been delivered often enough. Then send_letters, which follows, lets go of it.
local function bury(options, held)
  if options.deliveries == 0 or held[4] < options.deliveries then return false end
  options.dead[#options.dead + 1] = held[1]
  options.buried[held[1]] = true
  return true
end

-- What is buried goes to the dead letters, but for what ends the stream.
local function send_letters(stream, group, options)
  if #options.dead == 0 then return end
  local letters = {}
  for _, position in ipairs(options.dead) do
    local entry = call('XRANGE', stream.key, position, position)[1]
    if entry and not ends(entry[2][2]) then letters[#letters + 1] = entry[2][2] end
  end
  if #letters > 0 then add(options.letters, letters, options.ttl, options.limit) end
  call('XACK', stream.key, group, unpack(options.dead))
  call('ZREM', stream.naks .. group, unpack(options.dead))
  options.dead = {}
end
