-- needs: stream group
--
-- KEYS: 1 the stream, 2 what goes with it. ARGV: 1 its channel, 2 the group, 3 delay in ms, 4 ... positions,
-- and behind them a cursor that says nothing. Returns {how many were held, ''}; -1: there is no such group.
-- In a cluster 2^32 more: some are dead letters now, which are to be taken away.

local stream, group = make_stream(KEYS[1], ARGV[1]), ARGV[2]
if not has_group(stream, group) then return {-1, ''} end
local first = forget_trimmed(stream, group)
local options, naks = options_of(stream, group), stream.naks .. group
local due = format('%.0f', now_ms() + ARGV[3])
local count, has_letters = 0, false
for i = 4, #ARGV - 1 do
  local position = ARGV[i]
  local may_be = first and not options.buried[position] and not is_before(position, first)
  local held = may_be and held_of(stream, group, position)
  if held and held[2] ~= GRAVE then
    count = count + 1
    if not bury(options, held) then
      call('XCLAIM', stream.key, group, NOBODY, 0, position, 'JUSTID')
      call('ZADD', naks, due, position)
    elseif options.away then
      call('XCLAIM', stream.key, group, GRAVE, 0, position, 'JUSTID')
      call('ZREM', naks, position)
      has_letters = true
    end
  end
end
send_letters(stream, group, options)
if count > 0 then
  touch_as_it_is(stream)
  tell(stream, 'g')
end
return {has_letters and count + 4294967296 or count, ''}
