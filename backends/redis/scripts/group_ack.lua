-- needs: stream group
--
-- KEYS: 1 the stream. ARGV: 1 its channel, 2 the group, 3 ... positions. Returns how many were held, or -1:
-- there is no such group.

local stream, group = make_stream(KEYS[1], ARGV[1]), ARGV[2]
if not has_group(stream, group) then return -1 end
forget_trimmed(stream, group)
local count, naks = 0, stream.naks .. group
local has_naks = call('EXISTS', naks) == 1
for first = 3, #ARGV, 4000 do
  local last = math.min(first + 3999, #ARGV)
  count = count + call('XACK', stream.key, group, unpack(ARGV, first, last))
  if has_naks then call('ZREM', naks, unpack(ARGV, first, last)) end
end
return count
