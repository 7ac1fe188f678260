-- Takes a namespace in which there was nothing out of the directory, unless it was registered within the
-- hour: who has done that may be putting something there.
-- KEYS: 1 and 2 of its shard. ARGV: 1 the namespace, encoded.

local call = redis.call
local time = call('TIME')
local registered = call('ZSCORE', KEYS[2], ARGV[1])
if registered and time[1] * 1000 - registered < 3600000 then return 0 end
call('ZREM', KEYS[1], ARGV[1])
call('ZREM', KEYS[2], ARGV[1])
return 1
