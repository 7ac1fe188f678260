-- Taking objects away, and moving their expiry.

-- members: of a thread, not more than a call may do. Returns how many checkpoints were there, and
-- whether blobs have become loose.
local function drop(thread, members)
  local gone, listed, runs, names = {}, {}, {}, {}
  local count = 0
  for i = 1, #members do
    local space, id, kind = place_of(thread, members[i])
    local escaped = escape(id)
    gone[#gone + 1] = space.write .. escaped
    if kind == 'c' then
      local key = space.checkpoint .. escaped
      local member = listed_as(space, id)
      local head = call('HMGET', key, 'l', 'r')
      local replaced = call('HGET', space.replaced .. escaped, 'l')
      gone[#gone + 1] = key
      gone[#gone + 1] = space.replaced .. escaped
      listed[#listed + 1] = member
      if head[1] then
        count = count + 1
        names[space] = names[space] or {}
        for suffix in gmatch(head[1], '[^ ]+') do names[space][suffix] = true end
        for suffix in gmatch(replaced or '', '[^ ]+') do names[space][suffix] = true end
      end
      if head[2] then
        local run = run_key(thread, head[2])
        runs[run] = runs[run] or {}
        table.insert(runs[run], member)
      end
    end
  end
  unlist(thread, members)
  if thread.all and #listed > 0 then
    with_all(listed, 'ZREM', thread.all)
    with_all(listed, 'ZREM', thread.all_expiry)
  end
  with_all(gone, 'UNLINK')
  for run, members_of_run in pairs(runs) do leave_run(run, members_of_run) end
  local loose = false
  for space, suffixes in pairs(names) do loose = rebind(space, suffixes) or loose end
  return count, loose
end

local PURGED = 1000

-- Forgets what has expired and is listed still: its keys are gone. All of it, as a rule. Returns true
-- if there may be more: then nothing may be told by what is listed first, last, or at all.
local function purge(thread)
  local expired = call('ZRANGEBYSCORE', thread.expiry, '-inf', '(' .. plain(now()), 'LIMIT', 0, PURGED)
  if #expired == 0 then return end
  unlist(thread, expired)
  if thread.all then
    local listed = {}
    for i = 1, #expired do
      local space, id, kind = place_of(thread, expired[i])
      if kind == 'c' then listed[#listed + 1] = listed_as(space, id) end
    end
    with_all(listed, 'ZREM', thread.all)
    with_all(listed, 'ZREM', thread.all_expiry)
  end
  if call('EXISTS', thread.index) == 0 then call('UNLINK', thread.expiry, thread.delta) end
  return #expired == PURGED
end

-- Whether a thread has anything that has not expired.
local function is_there(thread)
  local count = call('ZCARD', thread.index)
  if count == 0 then return false end
  return call('ZCARD', thread.expiry) < count or last_of(thread.expiry) >= now()
end

-- The full TTL of an object: 0 if it never expires, nil if it is not there.
local function ttl_of(space, id)
  local first = call('LINDEX', space.write .. escape(id), 0)
  return first and (tonumber(first) or 0) or nil
end

-- Gives an object another full TTL, from now on; 0: for ever. old: what it has. Blobs are prolonged;
-- where they may live too long, the names are added to `shortened`, for `rebind`. Returns whether it
-- is settled as it stands, or wants `settle`.
local function move(thread, member, ttl, old, shortened)
  local space, id, kind = place_of(thread, member)
  local escaped = escape(id)
  local write = space.write .. escaped
  local at = ttl > 0 and now() + ttl or nil
  local before = tonumber(call('ZSCORE', thread.expiry, member) or nil) or inf
  local key = kind == 'c' and space.checkpoint .. escaped
  local head = key and call('HMGET', key, 'l', 'r') or {}
  call('LSET', write, 0, ttl > 0 and plain(ttl) or '')
  list(thread, member, at)
  if key then
    local listed = listed_as(space, id)
    enlist(thread, listed, at)
    if head[2] then
      local run = run_key(thread, head[2])
      join_run(run, listed, at)
      if at and before > at then settle_run(run) end
    end
  end
  -- From here on nothing may be read: what has a short life may be gone.
  local keys = {write, key or nil}
  if at then expire_all(keys, plain(at)) else persist_all(keys) end
  for suffix in gmatch(head[1] or '', '[^ ]+') do
    if at and before > at then
      shortened[space] = shortened[space] or {}
      shortened[space][suffix] = true
    else
      prolong(space.blob .. suffix, at)
    end
  end
  if head[1] then hold_loose(space, head[1], at) end
  return not at or before <= at
end

local function rebind_all(shortened)
  local loose = false
  for space, names in pairs(shortened) do loose = rebind(space, names) or loose end
  return loose
end
