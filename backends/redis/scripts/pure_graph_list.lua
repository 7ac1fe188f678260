-- What an append does with the list of Pure Graph, where that is in another slot of a cluster than its stream.
--
-- KEYS: 1 the list. ARGV: 1 TTL in ms or -1, 2 the length limit or ''; then two an entry: n, or i if it has an id,
-- and the message; the last one 1 if all have become events, or 0: some were events before. These may be in the
-- list or, if whoever appended them got no further, not yet.

local call, list = redis.call, KEYS[1]
local NEWEST = 1000 -- among which a message is looked for

local function is_there(message)
  return call('LPOS', list, message, 'RANK', -1, 'MAXLEN', NEWEST)
end

local all_new = ARGV[#ARGV] == '1'
for i = 3, #ARGV - 1, 2 do
  if all_new or ARGV[i] == 'n' or not is_there(ARGV[i + 1]) then call('RPUSH', list, ARGV[i + 1]) end
end
if ARGV[2] ~= '' then call('LTRIM', list, -tonumber(ARGV[2]), -1) end
if tonumber(ARGV[1]) > 0 then
  call('PEXPIRE', list, ARGV[1])
else
  call('PERSIST', list)
end
return call('LLEN', list)
