-- Behind plain commands in one transaction that append: XADD stream 1-* d event, for each; before those that
-- publish the events. Sent as it is, not by its hash: should that not be known, the events would be there
-- all the same.
--
-- KEYS: 1 the stream, 2 what goes with it. ARGV: 1 its channel, 2 "TTL limit": TTL in ms, the length limit
-- or nothing, 3 how many events.
-- Returns the position of the last; or nothing: the stream has ended.
local call, sub, key, text = redis.call, string.sub, KEYS[1], string.format
local ttl, limit = string.match(ARGV[2], '^(%S+) (%d*)$')
local last = call('XREVRANGE', key, '+', '-', 'COUNT', 1)[1]
if string.byte(last[2][2]) ~= 110 then return end
local number, letter = sub(last[1], 3) - ARGV[3] + 1, 'a'
if number == 0 then -- there was no such stream
  local time, all = call('TIME'), call('XRANGE', key, '-', '+')
  number, letter = time[1] * 1000000 + time[2], 'b'
  for i, entry in ipairs(all) do
    call('XDEL', key, entry[1])
    last[1] = call('XADD', key, text('1-%.0f', number + i - 1), i > 1 and 'd' or 'b', entry[2][2])
  end
end
local sharded = string.byte(ARGV[1], 17) == 123 and redis.REDIS_VERSION_NUM -- as lib_stream.lua says
call(sharded and 'SPUBLISH' or 'PUBLISH', ARGV[1], text('h%s%.0f %s ', letter, number, ARGV[3]))
if limit ~= '' then call('XTRIM', key, 'MAXLEN', limit) end
call('PEXPIRE', key, ttl)
if call('PEXPIRE', KEYS[2], ttl) == 1 then
  for _, group in ipairs(call('XINFO', 'GROUPS', key)) do
    call('PEXPIRE', 'langgraph:queue_naks:' .. sub(key, 17) .. ':' .. group[2], ttl)
  end
end
return last[1]
