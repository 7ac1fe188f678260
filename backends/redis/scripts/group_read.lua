-- needs: stream group
--
-- KEYS: 1 the stream, 2 what goes with it. ARGV: 1 its channel, 2 the group, 3 the member, 4 the most to give,
-- 5 '', or of a claim for how long it must have been held, in ms, 6 where a claim goes on: the number of an
-- event, with zeros before it. Returns -1: there is no such group; {in how many ms the next nak is due, or
-- -1; position, event packed, deliveries; of each}; or {-2, from where on to call again}; or {-3, letters}, in a
-- cluster: nothing is given before these are where they belong, and acknowledged (letters_of). It gives what
-- is not too much for one call; of the most 0 it gives only letters.

local stream, group, member = make_stream(KEYS[1], ARGV[1]), ARGV[2], 'm' .. ARGV[3]
local most, idle = math.min(tonumber(ARGV[4]), 128), tonumber(ARGV[5])
local LARGEST = 131072 -- bytes behind which a call gives no more
local LETTER = 3       -- so much more than a look does a dead letter cost
if not has_group(stream, group) then return -1 end
forget_trimmed(stream, group)
local options, naks = options_of(stream, group), stream.naks .. group
local given, count, size, looked = {-1}, 0, 0, 0

-- What may be given again, as far as one call looks; first what somebody else did not carry to its end.
local function candidates()
  local found = call('XPENDING', stream.key, group, '-', '+', 100, GRAVE)
  if idle then
    local number = tonumber(ARGV[6])
    local from = number > 0 and '(' .. position_at(number) or '-'
    for _, held in ipairs(call('XPENDING', stream.key, group, from, '+', BUDGET)) do
      if held[2] ~= NOBODY and held[2] ~= GRAVE and held[3] >= idle then found[#found + 1] = held end
    end
    return found
  end
  if call('EXISTS', naks) == 0 then
    local all = call('XPENDING', stream.key, group, '-', '+', 100, NOBODY)
    for i = 1, #all do found[#found + 1] = all[i] end
    return found
  end
  local due = call('ZRANGEBYSCORE', naks, '-inf', format('%.0f', now_ms()), 'LIMIT', 0, 100)
  for i = 1, #due do
    local held = held_of(stream, group, due[i])
    if held and held[2] == NOBODY then found[#found + 1] = held end
  end
  return found
end

if options.away then
  local letters = letters_of(stream, group, options, candidates())
  if letters then return {-3, letters} end
end
if most == 0 then return given end
call('XGROUP', 'CREATECONSUMER', stream.key, group, member)

local function has_room()
  return count < most and size < LARGEST
end

local function give(entry, deliveries)
  given[#given + 1], given[#given + 2], given[#given + 3] = entry[1], entry[2][2], deliveries
  count, size = count + 1, size + #entry[2][2]
end

local function give_again(held)
  if bury(options, held) then return end
  local entry = call('XCLAIM', stream.key, group, member, 0, held[1])[1]
  if entry then give(entry, held[4] + 1) end
end

local function answer(cursor)
  send_letters(stream, group, options)
  return count == 0 and cursor and {-2, format('%.0f', cursor)} or given
end

if idle then
  local number = tonumber(ARGV[6])
  while looked < BUDGET do
    local from = number > 0 and '(' .. position_at(number) or '-'
    local all = call('XPENDING', stream.key, group, from, '+', 100)
    for i = 1, #all do
      if not has_room() then return answer() end
      if all[i][2] ~= NOBODY and all[i][3] >= idle then give_again(all[i]) end
    end
    if #all < 100 then return answer() end
    looked = looked + 100 + LETTER * #options.dead
    number = number_of(all[100][1])
  end
  return answer(number)
end

-- Naks whose times have gone, with the sorted set, are due.
while has_room() and looked < BUDGET and call('EXISTS', naks) == 0 do
  local all = call('XPENDING', stream.key, group, '-', '+', 100, NOBODY)
  if #all == 0 then break end
  for i = 1, #all do
    if has_room() then give_again(all[i]) end
  end
  looked = looked + #all + LETTER * #options.dead
  send_letters(stream, group, options)
end
local now = now_ms()
while has_room() and looked < BUDGET do
  local due = call('ZRANGEBYSCORE', naks, '-inf', format('%.0f', now), 'LIMIT', 0, 100)
  if #due == 0 then break end
  looked = looked + #due
  for i = 1, #due do
    local held = has_room() and held_of(stream, group, due[i])
    local stays = held and options.away and bury(options, held)
    if has_room() and not stays then call('ZREM', naks, due[i]) end
    if held and held[2] == NOBODY then give_again(held) end
  end
  looked = looked + LETTER * #options.dead
end
if looked >= BUDGET then return answer(0) end
while has_room() do
  local some = count == 0 and 1 or math.ceil(LARGEST / (size / count + 1) / 4)
  local new = call('XREADGROUP', 'GROUP', group, member, 'COUNT', math.min(most - count, some),
    'STREAMS', stream.key, '>')
  if not new or not new[1] then break end
  for _, entry in ipairs(new[1][2]) do give(entry, 1) end
  if #new[1][2] == 0 then break end
end
if count == 0 then
  local next_due = call('ZRANGE', naks, 0, 0, 'WITHSCORES')[2]
  if next_due then given[1] = math.max(0, tonumber(next_due) - now) end
end
return answer()
