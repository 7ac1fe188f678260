-- needs: store
--
-- Puts and deletes of one namespace, at one time.
-- KEYS: 1 its shard, then the items. ARGV: 1 the encoded namespace, 2 when it is, as the client thinks,
-- 16 digits, or ""; then of each item: its key; what is done, "d" to delete it, or to put it the TTL,
-- 16 digits, "v" if the value follows, or "s" if it is staged, "n" if vectors are, "x" if vector sets
-- cannot do with them, or " ", and what an earlier attempt saw of it: when it was changed last, a blank, and
-- its TTL; the value, or "".
-- Returns of each a digit, whether it was there, and when it was created, 16 digits, or zeros if there is
-- nothing to know; then when it is, 16 digits, if that was not said.

-- As a rule it is one put or delete that changes nothing about when lists expire, or puts of items that
-- are there, without TTL and vectors, and goes without the libraries: to make their functions costs
-- several times as much as all of this.
local call, sub = redis.call, string.sub
if #KEYS == 2 then
  local item, key, what = KEYS[2], ARGV[3], ARGV[4]
  local tag = string.match(item, '{.-}')
  local changes, keys = 'langgraph:store_changes:' .. tag, 'langgraph:store_keys:' .. tag
  local expiry = 'langgraph:store_expiry:' .. tag
  local none = '0000000000000000'
  local function take_out()
    local near = 'langgraph:store_near:' .. tag
    local names = call('SMEMBERS', near)
    for i = 1, #names do
      local set = near .. ':' .. names[i]
      if type(redis.pcall('VREM', set, key)) == 'table' then call('UNLINK', set) end
    end
  end
  if sub(what, 17) == 'v ' then
    local head = call('GETRANGE', item, 0, 50)
    local exists, ttl = head ~= '', sub(what, 1, 16)
    local expires, expired = ttl ~= none, exists and sub(head, 35, 50) ~= none
    local fits = sub(head, 51) ~= 'x'
    if not expires and exists then
      fits = fits and not expired
    elseif fits then
      local left = call('PTTL', changes)
      fits = left == -1 or (expires and left >= tonumber(ttl))
      if expires and exists then fits = fits and expired end
    end
    if fits then
      local time = (expires or ARGV[2] == '') and call('TIME')
      local us = tonumber(ARGV[2]) or time[1] * 1000000 + time[2]
      us = string.format('%.0f', us)
      local told = ARGV[2] == '' and us or ''
      if exists and us <= sub(head, 18, 33) then us = string.format('%.0f', sub(head, 18, 33) + 1) end
      local created = exists and sub(head, 1, 16) or us
      local value = created .. ' ' .. us .. ' ' .. ttl .. '\n' .. ARGV[5]
      if expires then
        local at = string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000) + ttl)
        call('SET', item, value, 'PXAT', at)
        call('ZADD', expiry, at, key)
      else
        call('SET', item, value)
      end
      local unlisted = call('ZADD', changes, '-' .. us, key) == 1
      if not (unlisted and exists) then
        if unlisted then
          call('ZADD', keys, 0, key)
        elseif not exists then
          if not expires then call('ZREM', expiry, key) end
          take_out() -- what has expired may have had vectors
        end
        return (exists and '1' or '0') .. created .. told
      end
      call('ZREM', changes, key) -- who put it did not come to list it: it is done again, below
    end
  elseif what == 'd' then
    if call('ZCARD', keys) > call('ZCARD', expiry) + 1 then
      local parts = call('UNLINK', item, 'langgraph:store_vectors' .. sub(item, 16))
      call('ZREM', changes, key)
      local listed = call('ZREM', keys, key)
      call('ZREM', expiry, key)
      if parts == 2 or parts < listed then take_out() end
      return (parts > 0 and '1' or '0') .. none
    end
  end
else
  local plain_put, plain_item = '0000000000000000v ', '0000000000000000\n'
  local time = ARGV[2] == '' and call('TIME')
  local us = tonumber(ARGV[2]) or time[1] * 1000000 + time[2]
  local told = time and string.format('%.0f', us) or ''
  local heads = {}
  for i = 2, #KEYS do
    local head = ARGV[3 * i - 2] == plain_put and call('GETRANGE', KEYS[i], 0, 50)
    if not head or sub(head, 35) ~= plain_item then break end
    if us <= tonumber(sub(head, 18, 33)) then us = sub(head, 18, 33) + 1 end
    heads[i - 1] = head
  end
  if #heads == #KEYS - 1 then
    local updated = string.format('%.0f', us)
    local behind, score = ' ' .. updated .. ' ' .. plain_item, '-' .. updated
    local answers, changed = {}, {}
    for i = 1, #heads do
      local created = sub(heads[i], 1, 16)
      call('SET', KEYS[i + 1], created .. behind .. ARGV[3 * i + 2])
      changed[2 * i - 1], changed[2 * i] = score, ARGV[3 * i]
      answers[i] = '1' .. created
    end
    local changes = 'langgraph:store_changes:' .. string.match(KEYS[2], '{.-}')
    if call('ZADD', changes, 'XX', 'CH', unpack(changed)) == #heads then
      return table.concat(answers) .. told
    end -- who put one of them did not come to list it: all is done again, below
  end
end
--LIBRARIES--
local space = space_of(ARGV[1], KEYS[1])
local befores, answers = {}, {}
now()
local told = ARGV[2] == '' and plain(now_us) or ''
now_us = tonumber(ARGV[2]) or now_us
for i = 2, #KEYS do
  local before = {}
  before.created, before.updated, before.ttl, before.mark = head_of(KEYS[i])
  if before.updated and now_us <= tonumber(before.updated) then now_us = before.updated + 1 end
  befores[i] = before
end
local us = plain(now_us)

-- What goes into the lists, in as few commands as there are lists: score, key, score, key ...
local changed, added, expiring = {}, {}, {}
local persistent = {} -- keys of what had a TTL and has none any more
local lists_for_ever, lists_until = false, 0
local found = {} -- key, and the vectors that it is to be found by, or false

local function add(to, one, other)
  to[#to + 1] = one
  to[#to + 1] = other
end

-- at: nil for ever
local function set(item, how, head, value, at)
  if how == 's' then
    local staged = beside(item, 'staged')
    call('SETRANGE', staged, 0, head)
    call('RENAME', staged, item)
    if at then call('PEXPIREAT', item, at) else call('PERSIST', item) end
  elseif at then
    call('SET', item, head .. value, 'PXAT', at)
  else
    call('SET', item, head .. value)
  end
end

local function set_vectors(item, mark, before, at)
  local vectors = beside(item, 'vectors')
  if mark == 'x' then
    call('RENAME', beside(item, 'staged_vectors'), vectors)
    if at then call('PEXPIREAT', vectors, at) else call('PERSIST', vectors) end
  elseif before == 'x' then
    call('UNLINK', vectors)
  end
end

-- Whether the namespace is to be settled.
local function put(item, key, what, value, before)
  local ttl, vectors = sub(what, 1, 16), sub(what, 18, 18)
  local mark = vectors == ' ' and '\n' or 'x'
  local at = ttl ~= NO_TTL and now_ms + ttl
  local text = at and plain(at)
  set(item, sub(what, 17, 17), (before.created or us) .. ' ' .. us .. ' ' .. ttl .. mark, value, text)
  set_vectors(item, mark, before.mark, text)
  add(changed, '-' .. us, key)
  add(added, 0, key)
  if mark == 'x' or before.mark == 'x' or not before.created then
    add(found, key, vectors == 'n' and beside(item, 'vectors'))
  end
  if at then
    add(expiring, text, key)
    lists_until = math.max(lists_until, at)
    return before.ttl == NO_TTL
  end
  if before.ttl ~= NO_TTL or #what > 18 then persistent[#persistent + 1] = key end
  lists_for_ever = true
  return false
end

local function each_part(command, key, arguments)
  for first = 1, #arguments, MOST do
    call(command, key, unpack(arguments, first, math.min(first + MOST - 1, #arguments)))
  end
end

local function list()
  if #changed == 0 then return end
  local left = call('PTTL', space.changes)
  each_part('ZADD', space.changes, changed)
  each_part('ZADD', space.keys, added)
  each_part('ZADD', space.expiry, expiring)
  each_part('ZREM', space.expiry, persistent)
  if not lists_for_ever then
    last_until(space, lists_until, left)
  elseif left ~= -1 then
    last_for_ever(space, left)
  end
  for i = 1, #found, 2 do settle_sets(space, found[i], found[i + 1]) end
end

-- Somebody has changed it since the earlier attempt: as if that had been carried out just before. It
-- has not if what was there has expired.
local function is_overtaken(key, what, before)
  local seen = sub(what, 19, 34)
  if seen == '' or not before.updated and call('ZSCORE', space.expiry, key) then return false end
  return before.updated ~= seen
end

-- Or has given it another TTL.
local function with_ttl_since(what, before)
  local seen = sub(what, 36)
  if seen == '' or not before.ttl or before.ttl == seen then return what end
  return before.ttl .. sub(what, 17)
end

local gone, unsettled = {}, false
for i = 2, #KEYS do
  local key, what, before = ARGV[3 * i - 3], ARGV[3 * i - 2], befores[i]
  local answer = (before.created and '1' or '0') .. (before.created or us)
  if what == 'd' then
    call('UNLINK', KEYS[i], beside(KEYS[i], 'vectors'))
    gone[#gone + 1] = key
  elseif is_overtaken(key, what, before) then
    answer = '1' .. NO_TTL
  elseif put(KEYS[i], key, with_ttl_since(what, before), ARGV[3 * i - 1], before) then
    unsettled = true
  end
  answers[#answers + 1] = answer
end
list()
if #gone > 0 then unlist(space, gone) end
if #gone > 0 or unsettled then settle(space) end
return table.concat(answers) .. told
