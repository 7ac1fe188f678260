-- needs: stream
--
-- KEYS: 1 the stream, 2 what goes with it. ARGV: 1 its channel, 2 the group. Returns 1, or -1: it is
-- not there.

local stream, group = make_stream(KEYS[1], ARGV[1]), ARGV[2]
if call('EXISTS', stream.key) == 0 or call('XGROUP', 'DESTROY', stream.key, group) == 0 then
  return -1
end
call('HDEL', stream.more, 'g' .. group)
call('UNLINK', stream.naks .. group)
tell(stream, 'g')
return 1
