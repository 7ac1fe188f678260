-- Names. Whatever belongs to a namespace has its hash tag, "{label:label}", and so its slot:
--
--   langgraph:store:{ns}:key        STRING  "created updated ttl": 16 digits each, when in us, and the
--                                           full TTL in ms or 0; "x" if it has vectors, or a line end;
--                                           and the value
--   langgraph:store_vectors:{ns}:key  HASH  name .. ":" .. dimensions: floats, row after row
--   langgraph:store_staged:{ns}:key,  STRING, HASH  what a transaction hands to a script that must not
--   langgraph:store_staged_vectors:{ns}:key         pass through it: it is given its name there
--   langgraph:store_changes:{ns}    ZSET  keys by -updated: the latest change first, then by key
--   langgraph:store_keys:{ns}       ZSET  keys, all with score 0
--   langgraph:store_expiry:{ns}     ZSET  those of them that expire, by when
--
-- and on servers that have vector sets:
--
--   langgraph:store_near:{ns}:name:dimensions  VECTORSET  by key, those that are the only one of
--                                           their item and index
--   langgraph:store_near:{ns}       SET   "name:dimensions", "x" before each, as in store_vectors
--   langgraph:store_left:{ns}       SET   keys that are not listed any more, and may still be elements
--
-- In slots of their own, so declared and not derived:
--
--   langgraph:store_spaces:n          ZSET  one shard of all namespaces, encoded, all with score 0
--   langgraph:store_spaces_expiry:n   ZSET  those of them that expire, by when
--
-- In a cluster there is one shard for each slot, of the namespaces there: n is {t} then, where t is a
-- text of that slot; and a directory of all of them, which store_register.lua keeps.
--
-- Items and their vectors expire by themselves. The lists keep what they list a while longer; whoever reads one purges it
-- first, by the list of what expires. So all lists of a namespace have one expiry, and only if all that
-- they list has one: that of the longest, and up to a minute, or an eighth of the TTL, more, so that
-- not every put need move it.

local call = redis.call
local format, gsub = string.format, string.gsub

local MOST = 4000 -- arguments of one command: less than the stack of Lua takes

local HEAD = 51 -- bytes before the value
local NO_TTL = '0000000000000000'

-- Created, updated and TTL of an item, as text, and its mark; or nothing.
local function head_of(item)
  return string.match(call('GETRANGE', item, 0, HEAD - 1), '^(%d+) (%d+) (%d+)(.)$')
end

-- The key of something else of the item, "vectors" or "staged".
local function beside(item, what)
  return 'langgraph:store_' .. what .. string.sub(item, 16)
end

local now_us, now_ms
local function now()
  if not now_ms then
    local time = call('TIME')
    now_us = time[1] * 1000000 + time[2]
    now_ms = time[1] * 1000 + math.floor(time[2] / 1000)
  end
  return now_ms
end

-- All its digits.
local function plain(number)
  return format('%.0f', number)
end

local function grace(at)
  return plain(at + math.min(math.floor((at - now()) / 8), 60000))
end

local function percent(c)
  return format('%%%02X', string.byte(c))
end

-- As redis_escape does.
local function escape(id)
  if id == '' then return '%' end
  if not string.find(id, '[^A-Za-z0-9_.-]') then return id end
  return (gsub(id, '[^A-Za-z0-9_.-]', percent))
end

-- Of an encoded namespace (cairn/sys/namespace.h), as redis_space_tag does.
local function tag_of(path)
  local labels = {}
  for label in string.gmatch(path, '(.-)%z\1') do
    labels[#labels + 1] = escape((gsub(label, '%z\255', '\0')))
  end
  return '{' .. table.concat(labels, ':') .. '}'
end

-- shard: the key of the shard that lists it.
local function space_of(path, shard)
  local tag = tag_of(path)
  return {
    path = path,
    shard = shard,
    shard_expiry = (gsub(shard, ':([^:]+)$', '_expiry:%1')),
    changes = 'langgraph:store_changes:' .. tag,
    keys = 'langgraph:store_keys:' .. tag,
    expiry = 'langgraph:store_expiry:' .. tag,
    near = 'langgraph:store_near:' .. tag,
    left = 'langgraph:store_left:' .. tag,
  }
end

local function last_of(key)
  return tonumber(call('ZREVRANGE', key, 0, 0, 'WITHSCORES')[2])
end

local function each_list(space, command, ...)
  call(command, space.changes, ...)
  call(command, space.keys, ...)
  call(command, space.expiry, ...)
  local names = call('SMEMBERS', space.near)
  if #names == 0 then return end
  call(command, space.near, ...)
  call(command, space.left, ...)
  for i = 1, #names do call(command, space.near .. ':' .. names[i], ...) end
end

local function expire_lists(space, at)
  each_list(space, 'PEXPIREAT', at)
end

-- ---- the shard ----

local function settle_shard(space)
  local count = call('ZCARD', space.shard)
  if count == 0 then
    call('UNLINK', space.shard_expiry)
  elseif count == call('ZCARD', space.shard_expiry) then
    local last = plain(last_of(space.shard_expiry))
    call('PEXPIREAT', space.shard, last)
    call('PEXPIREAT', space.shard_expiry, last)
  end
end

-- What has expired of other namespaces: more than comes between two times.
local function purge_shard(space)
  local dead = call('ZRANGEBYSCORE', space.shard_expiry, '-inf', '(' .. plain(now()), 'LIMIT', 0, 20)
  if #dead == 0 then return end
  call('ZREM', space.shard_expiry, unpack(dead))
  call('ZREM', space.shard, unpack(dead))
end

-- Lists the namespace, until `at` (nil: for ever), or again.
local function enlist(space, at)
  purge_shard(space)
  local left = call('PTTL', space.shard)
  call('ZADD', space.shard, 0, space.path)
  if not at then
    call('ZREM', space.shard_expiry, space.path)
    if left >= 0 then
      call('PERSIST', space.shard)
      call('PERSIST', space.shard_expiry)
    end
    return
  end
  call('ZADD', space.shard_expiry, at, space.path)
  at = tonumber(at)
  if left == -2 or (left >= 0 and now() + left < at) then
    local longer = grace(at)
    call('PEXPIREAT', space.shard, longer)
    call('PEXPIREAT', space.shard_expiry, longer)
  end
end

-- ---- vector sets: every element is listed, or left ----

-- To take an element out costs a vector set some 200 us, as it mends its graph: so no more at a time.
local TAKEN_OUT = 16

-- A set that cannot be kept, as who asks may not change it, has to go.
local function take_out(space, names, key)
  for i = 1, #names do
    local set = space.near .. ':' .. names[i]
    if type(redis.pcall('VREM', set, key)) == 'table' then call('UNLINK', set) end
  end
end

-- Of what is left. Whether nothing is left then.
local function take_left(space, names)
  local keys = call('SPOP', space.left, TAKEN_OUT)
  for i = 1, #keys do take_out(space, names, keys[i]) end
  return #keys < TAKEN_OUT or call('EXISTS', space.left) == 0
end

-- Keys that are not listed any more.
local function leave(space, keys)
  local names = call('SMEMBERS', space.near)
  if #names == 0 then return end
  if #keys == 1 then
    take_out(space, names, keys[1])
    return
  end
  for first = 1, #keys, MOST do
    call('SADD', space.left, unpack(keys, first, math.min(first + MOST - 1, #keys)))
  end
  local at = call('PEXPIRETIME', space.near)
  if at > 0 then call('PEXPIREAT', space.left, plain(at)) end
  take_left(space, names)
end

-- What is left of a namespace without items.
local function drop_sets(space)
  local names = call('SMEMBERS', space.near)
  for i = 1, #names do call('UNLINK', space.near .. ':' .. names[i]) end
  if #names > 0 then call('UNLINK', space.near, space.left) end
end

-- The graph is not asked, but all of its elements: so it may be as thin as there is.
local function add(space, name, floats, key)
  local set = space.near .. ':' .. name
  local added = redis.pcall('VADD', set, 'FP32', floats, key, 'NOQUANT', 'EF', '4', 'M', '4')
  if type(added) == 'table' then return false end
  call('SADD', space.near, name)
  local at = call('PEXPIRETIME', space.changes)
  if at > 0 then
    call('PEXPIREAT', set, plain(at))
    call('PEXPIREAT', space.near, plain(at))
  end
  return true
end

-- Who changes a set waits until nobody asks it, and the whole server with him: some 5 ms for so many
-- floats. What would be larger has no set.
local FLOATS = 4194304

-- Of an item that has been put and listed: what it is found by from now on. vectors: nil if it has
-- none, or none that vector sets can do with.
local function settle_sets(space, key, vectors)
  local kept = {}
  if vectors and (redis.REDIS_VERSION_NUM or 0) >= 0x00080000 then
    local items, fields = call('ZCARD', space.keys), call('HKEYS', vectors)
    for i = 1, #fields do
      local name = fields[i]
      local dimensions = tonumber(string.match(name, '%d+$'))
      if items * dimensions > FLOATS then
        call('UNLINK', space.near .. ':' .. name)
      elseif call('HSTRLEN', vectors, name) == 4 * dimensions then
        kept[name] = add(space, name, call('HGET', vectors, name), key)
      end
    end
  end
  local names = call('SMEMBERS', space.near)
  if #names == 0 then return end
  call('SREM', space.left, key)
  for i = 1, #names do
    if not kept[names[i]] then take_out(space, {names[i]}, key) end
  end
end

-- ---- the namespace's lists ----

local function unlist(space, keys)
  for first = 1, #keys, MOST do
    local last = math.min(first + MOST - 1, #keys)
    call('ZREM', space.changes, unpack(keys, first, last))
    call('ZREM', space.keys, unpack(keys, first, last))
    call('ZREM', space.expiry, unpack(keys, first, last))
  end
  leave(space, keys)
end

-- Takes what has expired out of the lists: in one call no more than 1000, of all namespaces. False:
-- there may be more.
local may_purge = 1000
local function purge(space)
  if may_purge == 0 then return false end
  local dead = call('ZRANGEBYSCORE', space.expiry, '-inf', '(' .. plain(now()), 'LIMIT', 0, may_purge)
  if #dead > 0 then unlist(space, dead) end
  may_purge = may_purge - #dead
  return may_purge > 0
end

-- After something has gone, or got an expiry.
local function settle(space)
  purge(space)
  local count = call('ZCARD', space.keys)
  if count == 0 then
    call('UNLINK', space.expiry)
    drop_sets(space)
    call('ZREM', space.shard, space.path)
    call('ZREM', space.shard_expiry, space.path)
    settle_shard(space)
  elseif count == call('ZCARD', space.expiry) then
    local last = plain(last_of(space.expiry))
    expire_lists(space, last)
    enlist(space, last)
    settle_shard(space)
  end
end

-- left: what the lists had to live before.
local function last_until(space, at, left)
  if left == -2 or (left >= 0 and now() + left < at) then
    local longer = grace(at)
    expire_lists(space, longer)
    enlist(space, longer)
  end
end

local function last_for_ever(space, left)
  if left >= 0 then each_list(space, 'PERSIST') end
  if left ~= -1 then enlist(space, nil) end
end

-- That a listed key expires at `at`, and that it does not.
local function list_expiry(space, key, at, left)
  call('ZADD', space.expiry, plain(at), key)
  last_until(space, at, left)
end

local function list_persistent(space, key, left)
  call('ZREM', space.expiry, key)
  last_for_ever(space, left)
end

-- Of an item that is there and listed: its TTL from now on, 0 for none. Whether its namespace is to
-- be settled.
local function live(space, item, key, mark, ttl, before)
  local left = call('PTTL', space.changes)
  if ttl > 0 then
    local at = now() + ttl
    call('PEXPIREAT', item, plain(at))
    if mark == 'x' then call('PEXPIREAT', beside(item, 'vectors'), plain(at)) end
    list_expiry(space, key, at, left)
    return before == NO_TTL
  end
  call('PERSIST', item)
  if mark == 'x' then call('PERSIST', beside(item, 'vectors')) end
  list_persistent(space, key, left)
  return false
end
