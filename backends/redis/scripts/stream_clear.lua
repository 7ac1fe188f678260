-- needs: stream
--
-- KEYS: 1 the stream, 2 what goes with it. ARGV: 1 its channel.
-- Returns how many events are gone.

local stream = make_stream(KEYS[1], ARGV[1])
if call('EXISTS', stream.key) == 0 then return 0 end
local count = call('XLEN', stream.key)
call('UNLINK', unpack(keys_of(stream)))
tell(stream, 'c')
return count
