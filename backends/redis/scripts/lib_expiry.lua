-- When the keys of namespaces, threads and shards expire: none may outlive its last member without
-- an expiry, and none may go before it. To move them with every put would cost as much as the put,
-- so they are given up to a minute, or an eighth of the TTL, more; what they list is looked up
-- anyway, and nobody sees it.

local function grace(at)
  return at + math.min(math.floor((at - now()) / 8), 60000)
end

local function expire_all(keys, at)
  for i = 1, #keys do call('PEXPIREAT', keys[i], at) end
end

local function persist_all(keys)
  for i = 1, #keys do call('PERSIST', keys[i]) end
end

local function keys_of(space)
  return {space.refs, space.index, space.expiry, space.lone}
end

local function settle_thread(space)
  call('ZREMRANGEBYSCORE', space.thread, '-inf', '(' .. format('%.0f', now()))
  settle_by_top(space.thread)
end

-- Makes the namespace's keys live until `at`, or for ever if that is nil. lives_until: its 'x', or
-- nil. What is listed in them has been added already. Returns the new one.
local function cover(space, lives_until, at)
  if not at then
    if lives_until == inf then return inf end
    call('HSET', space.refs, 'x', 'inf')
    if lives_until then persist_all(keys_of(space)) end
    call('ZADD', space.thread, '+inf', space.ns)
    call('PERSIST', space.thread)
    return inf
  end
  if lives_until and lives_until >= at then return lives_until end
  if lives_until == 0 then
    at = math.max(at, tonumber(call('ZREVRANGE', space.expiry, 0, 0, 'WITHSCORES')[2] or 0))
  end
  at = grace(at)
  -- Without an index there is nothing to expire yet: whoever makes one shall see to it.
  call('HSET', space.refs, 'x', call('EXISTS', space.index) == 1 and format('%.0f', at) or 0)
  expire_all(keys_of(space), at)
  call('ZADD', space.thread, at, space.ns)
  settle_thread(space)
  return at
end

-- Lists a checkpoint in its shard. fresh: it is not listed yet; all the same it may be among those
-- that expire there, if it did with its whole namespace.
local function enlist(space, member, at, fresh)
  if not at then
    if fresh then call('ZADD', space.all, 0, member) end
    call('ZREM', space.all_expiry, member)
    if call('PERSIST', space.all) == 1 then call('PERSIST', space.all_expiry) end
    return
  end
  local left = call('PTTL', space.all)
  if fresh then call('ZADD', space.all, 0, member) end
  call('ZADD', space.all_expiry, at, member)
  if left == -2 or (left >= 0 and left < at - now()) then
    expire_all({space.all, space.all_expiry}, grace(at))
  end
end

-- What has expired of other threads in the shard, a little each time.
local function purge_shard(space)
  local expired = call('ZRANGEBYSCORE', space.all_expiry, '-inf', '(' .. format('%.0f', now()),
                       'LIMIT', 0, 4)
  if #expired == 0 then return end
  call('ZREM', space.all_expiry, unpack(expired))
  call('ZREM', space.all, unpack(expired))
end

-- Lists a checkpoint in its run. moved: it may have been there, with another expiry.
local function join_run(run, member, at, moved)
  local key = run_key(run)
  if not at then
    call('ZADD', key, '+inf', member)
    call('PERSIST', key)
    return
  end
  local left = call('PTTL', key)
  call('ZADD', key, at, member)
  if moved or left == -1 then
    settle_by_top(key)
  elseif left < at - now() then
    call('PEXPIREAT', key, grace(at))
  end
end

-- After something has gone, or got an expiry: the exact expiry of the namespace's keys, of its
-- thread's and of its shard's.
local function settle(space)
  local checkpoints = call('ZCARD', space.index)
  local objects = checkpoints + call('ZCARD', space.lone)
  local expiring = call('ZCARD', space.expiry) == objects
  local at = expiring and tonumber(call('ZREVRANGE', space.expiry, 0, 0, 'WITHSCORES')[2]) or 0
  if expiring and at < now() then
    with_all(keys_of(space), 'UNLINK')
    call('ZREM', space.thread, space.ns)
    settle_thread(space)
  elseif expiring then
    call('HSET', space.refs, 'x', checkpoints > 0 and format('%.0f', at) or 0)
    expire_all(keys_of(space), at)
    call('ZADD', space.thread, at, space.ns)
    settle_thread(space)
  end
  if call('ZCARD', space.all) == call('ZCARD', space.all_expiry) then
    local top = call('ZREVRANGE', space.all_expiry, 0, 0, 'WITHSCORES')[2]
    if top then expire_all({space.all, space.all_expiry}, top) end
  end
end

-- Gives an object another full TTL, from now on; 0: for ever. record: its own. all_are: so it is done
-- to the whole namespace, which wants `tighten` at the end. Wants `cover`, and `settle` if it was
-- pinned or the new time is sooner. Returns when it expires, or nil.
local function move(space, id, record, ttl, all_are)
  local old_ttl, has, run, list = read_record(record)
  if ttl == 0 and old_ttl == 0 then return nil end
  local at = ttl > 0 and now() + ttl or nil
  local escaped, member = escape(id), encode(id) .. space.place
  local keys = {space.write .. escaped, has and space.checkpoint .. escaped or nil}
  local left = old_ttl > 0 and not all_are and tonumber(call('ZSCORE', space.expiry, id)) or nil
  if at then
    expire_all(keys, at)
    call('ZADD', space.expiry, at, id)
    if has then enlist(space, member, at, false) end
  else
    persist_all(keys)
    call('ZREM', space.expiry, id)
    if has then enlist(space, member, nil, false) end
  end
  if run then join_run(run, member, at, true) end
  local order, users, pins, to_set = {}, {}, {}, {}
  local pin = (at and 0 or 1) - (old_ttl == 0 and 1 or 0)
  for suffix in gmatch(list, '[^ ]+') do
    if not users[suffix] then
      order[#order + 1], users[suffix], pins[suffix] = suffix, 0, pin
    end
  end
  local loose = account(space, order, users, pins, at, left, to_set)
  if ttl ~= old_ttl then
    to_set[#to_set + 1] = 'c' .. id
    to_set[#to_set + 1] = make_record(ttl, has, run, list)
  end
  if at then
    to_set[#to_set + 1] = 'f'
    to_set[#to_set + 1] = 1
  end
  hset(space.refs, to_set)
  tighten(space, loose)
  return at
end
