-- needs: stream group
--
-- KEYS: 1 the stream. ARGV: 1 its channel, 2 the group, 3 the member, 4 the most to give, 5 '', or of a claim
-- for how long it must have been held, in ms. Returns -1: there is no such group; or {in how many ms the
-- next nak is due, or -1; position, event packed, deliveries; of each}.

local stream, group, member = make_stream(KEYS[1], ARGV[1]), ARGV[2], 'm' .. ARGV[3]
local most, idle = tonumber(ARGV[4]), ARGV[5]
if not has_group(stream, group) then return -1 end
forget_trimmed(stream, group)
call('XGROUP', 'CREATECONSUMER', stream.key, group, member)
local options, naks = options_of(stream, group), stream.naks .. group
local given, count = {-1}, 0

local function give(entry, deliveries)
  given[#given + 1], given[#given + 2], given[#given + 3] = entry[1], entry[2][4], deliveries
  count = count + 1
end

local function give_again(held)
  if bury(stream, group, options, held) then return end
  local entry = call('XCLAIM', stream.key, group, member, 0, held[1])[1]
  if entry then give(entry, held[4] + 1) end
end

if idle ~= '' then
  local from = '-'
  while count < most do
    local all = call('XPENDING', stream.key, group, 'IDLE', idle, from, '+', 200)
    for i = 1, #all do
      if count < most and all[i][2] ~= NOBODY then give_again(all[i]) end
    end
    if #all < 200 then break end
    from = '(' .. all[#all][1]
  end
  return given
end

-- Naks whose times have gone, with the sorted set, are due.
while count < most and call('EXISTS', naks) == 0 do
  local all = call('XPENDING', stream.key, group, '-', '+', most - count, NOBODY)
  if #all == 0 then break end
  for i = 1, #all do give_again(all[i]) end
end
local now = now_ms()
while count < most do
  local due = call('ZRANGEBYSCORE', naks, '-inf', format('%.0f', now), 'LIMIT', 0, most - count)
  if #due == 0 then break end
  for i = 1, #due do
    local held = held_of(stream, group, due[i])
    call('ZREM', naks, due[i])
    if held and held[2] == NOBODY then give_again(held) end
  end
end
if count < most then
  local new = call('XREADGROUP', 'GROUP', group, member, 'COUNT', most - count, 'STREAMS', stream.key, '>')
  for _, entry in ipairs(new and new[1] and new[1][2] or {}) do give(entry, 1) end
end
if count == 0 then
  local next_due = call('ZRANGE', naks, 0, 0, 'WITHSCORES')[2]
  if next_due then given[1] = math.max(0, tonumber(next_due) - now) end
end
return given
