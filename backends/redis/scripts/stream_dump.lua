-- needs: stream
--
-- KEYS: 1 the stream, 2 what goes with it. ARGV: 1 its channel.
-- Returns both as RESTORE takes them, as they are at this moment; '' for what is not there.

local stream = make_stream(KEYS[1], ARGV[1])
return {call('DUMP', stream.key) or '', call('DUMP', stream.more) or ''}
