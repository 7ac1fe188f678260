-- Groups are groups of Redis, named as in keys. A member is the consumer "m" and its name; what a nak gave
-- back is held for "-", which is there from the beginning. How a group was made: "deliveries ttl limit tag
-- channel", the last four of its dead letters; without any it is "0".

local NOBODY = '-'
local GRAVE = '=' -- in a cluster: holds what is on its way to the dead letters, which nobody gets or acknowledges
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
          away = byte(channel, #QUEUE + 2) == 123, tag = tag, channel = channel,
          letters = make_stream(QUEUE .. ':' .. tag, channel)}
end

-- Of a held event: {position, consumer, idle, deliveries}.
local function held_of(stream, group, position)
  return call('XPENDING', stream.key, group, position, position, 1)[1]
end

-- Whether it has been delivered often enough. Then send_letters, which follows, lets go of it; of letters
-- that are away, in another slot of a cluster, whoever called takes them there (letters_of).
local function bury(options, held)
  if options.deliveries == 0 or held[4] < options.deliveries then return false end
  if options.away then return true end
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

local LETTERS_BYTES = 131072

-- Of what is held, {position, consumer, idle, deliveries}, what is to be taken away: {tag, channel, TTL, limit,
-- position, event packed, ...}; nothing if there is none. An event that ends the stream is ''. From now on it
-- is nobody's.
local function letters_of(stream, group, options, held)
  local letters, bytes = {options.tag, options.channel, options.ttl, options.limit}, 0
  for i = 1, #held do
    if bytes > LETTERS_BYTES then break end
    if bury(options, held[i]) then
      if held[i][2] ~= GRAVE then
        call('XCLAIM', stream.key, group, GRAVE, 0, held[i][1], 'JUSTID')
        call('ZREM', stream.naks .. group, held[i][1])
      end
      local entry = call('XRANGE', stream.key, held[i][1], held[i][1])[1]
      local packed = entry and not ends(entry[2][2]) and entry[2][2] or ''
      letters[#letters + 1], letters[#letters + 2] = held[i][1], packed
      bytes = bytes + #packed
    end
  end
  return #letters > 4 and letters or nil
end
