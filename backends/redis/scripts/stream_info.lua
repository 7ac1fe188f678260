-- needs: stream
--
-- KEYS: 1 the stream, 2 what goes with it. Returns nothing, or {length, first, last, the last event packed,
-- TTL in ms or -1, groups}.

local stream = make_stream(KEYS[1], '')
if call('EXISTS', stream.key) == 0 then return false end
local last, packed = last_of(stream)
return {call('XLEN', stream.key), first_of(stream) or '', last or '', packed or '',
        call('PTTL', stream.key), #groups_of(stream)}
