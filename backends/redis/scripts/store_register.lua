-- A cluster's directory of namespaces: a shard of it has those that had an item, and maybe still have.
--
--   langgraph:store_directory:{dir:n}      ZSET  namespaces, encoded, all with score 0
--   langgraph:store_directory_age:{dir:n}  ZSET  the same by when they were registered last, in ms
--
-- Whoever puts into a namespace has registered it a short while before; who finds one without items takes
-- it out if that is long ago: store_unregister.lua. They live an hour longer than anything in them.
-- KEYS: 1 and 2 of a shard. ARGV: 1 for how many ms items are to live, or "" for ever, then namespaces.

local call = redis.call
local directory, ages = KEYS[1], KEYS[2]
local time = call('TIME')
local now = string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000))
local left = call('PTTL', directory)
for i = 2, #ARGV do
  call('ZADD', directory, 0, ARGV[i])
  call('ZADD', ages, now, ARGV[i])
end
if ARGV[1] == '' then
  if left >= 0 then
    call('PERSIST', directory)
    call('PERSIST', ages)
  end
  return 1
end
local needed = ARGV[1] + 3600000
if left == -2 or (left >= 0 and left < needed) then
  needed = string.format('%.0f', needed)
  call('PEXPIRE', directory, needed)
  call('PEXPIRE', ages, needed)
end
return 1
