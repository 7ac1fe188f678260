-- needs: stream
--
-- KEYS: 1 the stream, 2 what goes with it, 3 its past. ARGV: 1 its channel.
-- Returns how many events are gone.

local stream = make_stream(KEYS[1], ARGV[1])
if call('EXISTS', stream.key) == 0 then return 0 end
local count, last = call('XLEN', stream.key), last_of(stream)
if last then call('SET', stream.past, last, 'PX', PAST_MS) end
call('UNLINK', unpack(keys_of(stream)))
call('PUBLISH', stream.channel, 'c')
return count
