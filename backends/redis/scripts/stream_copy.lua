-- needs: stream
--
-- KEYS: 1 the source, 2 what goes with it; 3 and 4 those of the target. ARGV: 1 the source's channel, 2 the
-- target's, 3 its TTL in ms or -1.
-- Returns how many events there are in the copy; -1: the target is there. In a cluster the two would have
-- to be in one slot.

local source, target = make_stream(KEYS[1], ARGV[1]), make_stream(KEYS[3], ARGV[2])
if call('EXISTS', target.key) == 1 then return -1 end
if call('COPY', source.key, target.key) == 0 then return 0 end
if call('COPY', source.more, target.more, 'REPLACE') == 0 then call('UNLINK', target.more) end
for _, group in ipairs(groups_of(target)) do
  call('XGROUP', 'DESTROY', target.key, group)
  call('HDEL', target.more, 'g' .. group)
end
touch(target, ARGV[3])
local last, packed = last_of(target)
if last and ends(packed) then seal(target, ARGV[3]) end
if last then publish(target, false, number_of(last), {packed}) end
return call('XLEN', target.key)
