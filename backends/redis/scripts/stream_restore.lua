-- needs: stream stream_copy
--
-- Makes what stream_dump says of another. KEYS: 1 the stream, 2 what goes with it. ARGV: 1 its channel, 2 its
-- TTL in ms or -1, 3 and 4 the dumps.
-- Returns how many events there are in it; -1: it was there.

local stream = make_stream(KEYS[1], ARGV[1])
if call('EXISTS', stream.key) == 1 then return -1 end
if ARGV[3] == '' then return 0 end
call('RESTORE', stream.key, 0, ARGV[3])
call('UNLINK', stream.more)
if ARGV[4] ~= '' then call('RESTORE', stream.more, 0, ARGV[4]) end
return settle_copy(stream, ARGV[2])
