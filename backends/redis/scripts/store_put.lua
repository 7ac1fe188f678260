-- needs: store
--
-- Puts and deletes of one namespace, at one time.
-- KEYS: 1 its shard, then the items. ARGV: 1 the encoded namespace, then of each item: its key; "d" to
-- delete it, or the TTL in ms or -1, "v" if the value follows, and the fields of its vectors with a space
-- before each; the value, or "" where it has been set in this transaction.
-- Returns a digit of each, whether it was there; or "again", and nothing is done.

-- As a rule it is one put or delete that changes nothing about when lists expire, and goes without the
-- libraries: to make their functions costs several times as much as all of this.
local call = redis.call
if #KEYS == 2 then
  local item, key = KEYS[2], ARGV[2]
  local tag = string.match(item, '{.-}')
  local changes = 'langgraph:store_changes:' .. tag
  local ttl, has_value = string.match(ARGV[3], '^(-?%d+)(v?)$')
  if ttl then
    local head = call('HMGET', item, 'h', 'n')
    local created, updated, before
    if head[1] then created, updated, before = string.match(head[1], '^(%d+) (%d+) (-?%d+)$') end
    local left = before ~= '-1' and call('PTTL', changes)
    local time = call('TIME')
    local us = time[1] * 1000000 + time[2]
    local at = math.floor(us / 1000) + ttl
    local fits
    if head[2] then
      fits = false
    elseif ttl == '-1' then
      fits = before == '-1' or (not before and left == -1)
    else
      fits = before ~= '-1' and (left == -1 or (left >= 0 and at - ttl + left >= at))
    end
    if fits and not before and has_value == '' and call('HEXISTS', item, 'v') == 0 then return 'again' end
    if fits then
      if before and us <= tonumber(updated) then us = updated + 1 end
      us = string.format('%.0f', us)
      local stamp = (created or us) .. ' ' .. us .. ' ' .. ttl
      if has_value == 'v' then
        call('HSET', item, 'h', stamp, 'v', ARGV[4])
      else
        call('HSET', item, 'h', stamp)
      end
      call('ZADD', changes, '-' .. us, key)
      if not before then call('ZADD', 'langgraph:store_keys:' .. tag, 0, key) end
      if ttl ~= '-1' then
        at = string.format('%.0f', at)
        call('PEXPIREAT', item, at)
        call('ZADD', 'langgraph:store_expiry:' .. tag, at, key)
      elseif not before then
        call('ZREM', 'langgraph:store_expiry:' .. tag, key)
      end
      return before and '1' or '0'
    end
  elseif ARGV[3] == 'd' then
    local keys, expiry = 'langgraph:store_keys:' .. tag, 'langgraph:store_expiry:' .. tag
    if call('ZCARD', keys) > call('ZCARD', expiry) + 1 then
      local existed = call('HEXISTS', item, 'h')
      call('UNLINK', item)
      call('ZREM', changes, key)
      call('ZREM', keys, key)
      call('ZREM', expiry, key)
      return tostring(existed)
    end
  end
end
--LIBRARIES--
local space = space_of(ARGV[1], KEYS[1])
local heads, answers = {}, {}
now()
for i = 2, #KEYS do
  local found = call('HMGET', KEYS[i], 'h', 'n')
  local head = {fields = found[2]}
  if found[1] then head.created, head.updated, head.ttl = split(found[1]) end
  local what = ARGV[3 * i - 3]
  -- It may have expired since its value was set, and that with it.
  if not head.created and what ~= 'd' and not string.find(what, 'v', 1, true) and
     call('HEXISTS', KEYS[i], 'v') == 0 then
    return 'again'
  end
  if head.updated and now_us <= tonumber(head.updated) then now_us = head.updated + 1 end
  heads[i] = head
end
local us = plain(now_us)

local function put(item, key, ttl, has_value, fields, value, head)
  if head.fields then
    for field in string.gmatch(head.fields, '[^ ]+') do
      if not string.find(fields .. ' ', ' ' .. field .. ' ', 1, true) then call('HDEL', item, field) end
    end
    if fields == '' then call('HDEL', item, 'n') end
  end
  local sets = {'h', (head.created or us) .. ' ' .. us .. ' ' .. ttl}
  if has_value == 'v' then
    sets[#sets + 1] = 'v'
    sets[#sets + 1] = value
  end
  if fields ~= '' then
    sets[#sets + 1] = 'n'
    sets[#sets + 1] = string.sub(fields, 2)
  end
  call('HSET', item, unpack(sets))
  local left = call('PTTL', space.changes)
  call('ZADD', space.changes, '-' .. us, key)
  call('ZADD', space.keys, 0, key)
  local before = tonumber(head.ttl or 0)
  if ttl ~= '-1' then
    local at = now_ms + ttl
    call('PEXPIREAT', item, plain(at))
    list_expiry(space, key, at, left)
    return before == -1
  end
  if before > 0 then call('PERSIST', item) end
  if before ~= -1 or left ~= -1 then list_persistent(space, key, left) end
  return false
end

local gone, unsettled = {}, false
for i = 2, #KEYS do
  local key, what, head = ARGV[3 * i - 4], ARGV[3 * i - 3], heads[i]
  answers[#answers + 1] = head.created and '1' or '0'
  if what == 'd' then
    if head.created then call('UNLINK', KEYS[i]) end
    gone[#gone + 1] = key
  else
    local ttl, has_value, fields = string.match(what, '^(-?%d+)(v?)(.*)$')
    if put(KEYS[i], key, ttl, has_value, fields, ARGV[3 * i - 2], head) then unsettled = true end
  end
end
if #gone > 0 then unlist(space, gone) end
if #gone > 0 or unsettled then settle(space) end
return table.concat(answers)
