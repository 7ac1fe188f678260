-- needs: store
--
-- Puts the TTL back on items of one namespace that have one.
-- KEYS: 1 its shard, then the items. ARGV: 1 the encoded namespace, then their keys.

-- As a rule the lists last long enough, and it goes without the libraries.
local call = redis.call
local tag = string.match(KEYS[2], '{.-}')
local left, now_ms
local later = {}
for i = 2, #KEYS do
  local head = call('GETRANGE', KEYS[i], 34, 50)
  local ttl = tonumber(string.sub(head, 1, 16)) or 0
  if ttl > 0 then
    if not left then
      local time = call('TIME')
      now_ms = time[1] * 1000 + math.floor(time[2] / 1000)
      left = call('PTTL', 'langgraph:store_changes:' .. tag)
    end
    if (left == -1 or left >= ttl) and string.sub(head, 17) ~= 'x' then
      local at = string.format('%.0f', now_ms + ttl)
      call('PEXPIREAT', KEYS[i], at)
      call('ZADD', 'langgraph:store_expiry:' .. tag, at, ARGV[i])
    else
      later[#later + 1] = {i, ttl, string.sub(head, 17)}
    end
  end
end
if #later == 0 then return 1 end
--LIBRARIES--
local space = space_of(ARGV[1], KEYS[1])
for i = 1, #later do
  local at, ttl, mark = unpack(later[i])
  live(space, KEYS[at], ARGV[at], mark, ttl)
end
return 1
