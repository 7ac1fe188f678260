-- When lists expire: none may outlive its last member without an expiry, and none may go before it.
-- To move them with every put would cost as much as the put, so they are given up to a minute, or an
-- eighth of the TTL, more; what they list is looked up anyway, and nobody sees it.

local MOST = 4000 -- arguments of one command: less than the stack of Lua takes

local now_ms
local function now()
  if not now_ms then
    local time = call('TIME')
    now_ms = time[1] * 1000 + math.floor(time[2] / 1000)
  end
  return now_ms
end

-- As a score or a time: all its digits.
local function plain(number)
  return number == inf and '+inf' or format('%.0f', number)
end

local function grace(at)
  return plain(at + math.min(math.floor((at - now()) / 8), 60000))
end

-- A command that takes any number of arguments, as often as it takes; the sum of its answers.
local function with_all(args, command, key)
  local count, sum = #args, 0
  for first = 1, count, MOST do
    local last = math.min(first + MOST - 1, count)
    if key then
      sum = sum + call(command, key, unpack(args, first, last))
    else
      sum = sum + call(command, unpack(args, first, last))
    end
  end
  return sum
end

local function expire_all(keys, at)
  for i = 1, #keys do call('PEXPIREAT', keys[i], at) end
end

local function persist_all(keys)
  for i = 1, #keys do call('PERSIST', keys[i]) end
end

local function lists_of(thread)
  return {thread.index, thread.expiry, thread.loose, thread.delta}
end

-- Lists what a thread has: member, and until when it lives (nil: for ever). What says when members
-- expire lives as long as what lists them: it is by this that they are found when they have.
local function list(thread, member, at)
  local left = call('PTTL', thread.index)
  call('ZADD', thread.index, 0, member)
  if not at then
    call('ZREM', thread.expiry, member)
    if left >= 0 then persist_all(lists_of(thread)) end
    return
  end
  call('ZADD', thread.expiry, plain(at), member)
  if left == -2 or (left >= 0 and now() + left < at) then
    expire_all(lists_of(thread), grace(at))
  elseif left >= 0 then
    call('PEXPIRE', thread.expiry, left)
  end
end

local function unlist(thread, members)
  with_all(members, 'ZREM', thread.index)
  with_all(members, 'ZREM', thread.expiry)
end

local function last_of(key)
  return tonumber(call('ZREVRANGE', key, 0, 0, 'WITHSCORES')[2])
end

-- After something has gone, or got an expiry: the exact expiry of the lists.
local function settle(thread)
  local count = call('ZCARD', thread.index)
  if count == 0 then
    call('UNLINK', thread.expiry, thread.delta)
  elseif count == call('ZCARD', thread.expiry) then
    expire_all(lists_of(thread), plain(last_of(thread.expiry)))
  end
  if thread.all and call('ZCARD', thread.all) == call('ZCARD', thread.all_expiry) then
    local last = last_of(thread.all_expiry)
    if last then expire_all({thread.all, thread.all_expiry}, plain(last)) end
  end
end

-- There is a delta channel in what the thread lists.
local function mark_delta(thread)
  local left = call('PTTL', thread.index)
  if left == -2 then return end
  call('SET', thread.delta, 1)
  if left >= 0 then call('PEXPIRE', thread.delta, left) end
end

-- Lists a checkpoint in its shard, fresh or again.
local function enlist(thread, member, at)
  local left = call('PTTL', thread.all)
  call('ZADD', thread.all, 0, member)
  if not at then
    call('ZREM', thread.all_expiry, member)
    if left >= 0 then persist_all({thread.all, thread.all_expiry}) end
    return
  end
  call('ZADD', thread.all_expiry, plain(at), member)
  if left == -2 or (left >= 0 and now() + left < at) then
    expire_all({thread.all, thread.all_expiry}, grace(at))
  elseif left >= 0 then
    call('PEXPIRE', thread.all_expiry, left)
  end
end

-- What has expired of other threads in the shard: more than is put between two times.
local function purge_shard(thread)
  local expired = call('ZRANGEBYSCORE', thread.all_expiry, '-inf', '(' .. plain(now()), 'LIMIT', 0, 50)
  if #expired == 0 then return end
  call('ZREM', thread.all_expiry, unpack(expired))
  call('ZREM', thread.all, unpack(expired))
end

-- A run's list keeps its own expiry: when its last member goes.
local function settle_run(key)
  local last = last_of(key)
  if last == inf then
    call('PERSIST', key)
  elseif last then
    call('PEXPIREAT', key, plain(last))
  end
end

local function join_run(key, member, at)
  local left = call('PTTL', key)
  call('ZADD', key, plain(at or inf), member)
  if not at then
    if left >= 0 then call('PERSIST', key) end
  elseif left == -2 or (left >= 0 and now() + left < at) then
    call('PEXPIREAT', key, grace(at))
  end
end

local function leave_run(key, members)
  with_all(members, 'ZREM', key)
  settle_run(key)
end
