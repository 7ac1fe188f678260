-- needs: stream group
--
-- KEYS: 1 the stream. ARGV: 1 its channel, 2 the group, 3 delay in ms, 4 ... positions. Returns how many were
-- held, or -1: there is no such group.

local stream, group = make_stream(KEYS[1], ARGV[1]), ARGV[2]
if not has_group(stream, group) then return -1 end
forget_trimmed(stream, group)
local options, naks = options_of(stream, group), stream.naks .. group
local due = format('%.0f', now_ms() + ARGV[3])
local count = 0
for i = 4, #ARGV do
  local held = held_of(stream, group, ARGV[i])
  if held then
    count = count + 1
    if not bury(stream, group, options, held) then
      call('XCLAIM', stream.key, group, NOBODY, 0, ARGV[i], 'JUSTID')
      call('ZADD', naks, due, ARGV[i])
    end
  end
end
if count > 0 then
  touch_as_it_is(stream)
  call('PUBLISH', stream.channel, 'g')
end
return count
