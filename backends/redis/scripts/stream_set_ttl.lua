-- needs: stream
--
-- KEYS: 1 the stream, 2 what goes with it. ARGV: 1 its channel, 2 TTL in ms or -1. Returns 1, or 0: it is
-- not there.

local stream = make_stream(KEYS[1], '')
if call('EXISTS', stream.key) == 0 then return 0 end
touch(stream, ARGV[2])
local _, ending = last_of(stream)
if ending and ends(ending) then seal(stream, ARGV[2]) end
return 1
