-- Objects: a checkpoint with its pending writes, or either of them alone. What is remembered of
-- them is in the refs of their namespace:
--
--   'c' .. id      record: full TTL in ms (0: for ever), whether there is a checkpoint, run id,
--                  suffixes of its blobs ("channel:version", escaped) in the order of
--                  channel_versions
--   'b' .. suffix  ref: how many checkpoints name it, how many of these never expire, when the last
--                  of the others does (also of those that are gone), and what is stored
--   'x'            until when at least the keys of the namespace itself live; 'inf'; 0: not known
--   'f'            there if anything that expires was ever put
--   'd'            there if any delta channel was ever put
--
-- Stored of a blob: '.' nothing, 's' a value (the only one with a key), 'e' empty, 'd' a delta. Its
-- key expires with the last checkpoint that names it; so nothing of the past needs to be read.

local RECORD, REF = '<dBI4', '<I4I4dc1'
local MOST = 4000 -- arguments of one command: less than the stack of Lua takes

local now_ms
local function now()
  if not now_ms then
    local time = call('TIME')
    now_ms = time[1] * 1000 + math.floor(time[2] / 1000)
  end
  return now_ms
end

local function hmget(key, fields)
  local count = #fields
  if count <= MOST then return call('HMGET', key, unpack(fields)) end
  local all = {}
  for first = 1, count, MOST do
    local some = call('HMGET', key, unpack(fields, first, math.min(first + MOST - 1, count)))
    for i = 1, #some do all[first + i - 1] = some[i] end
  end
  return all
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

local function hset(key, pairs)
  if #pairs > 0 then with_all(pairs, 'HSET', key) end
end

-- run may be nil.
local function make_record(ttl, has, run, list)
  return pack(RECORD, ttl, has and 1 or 0, run and #run + 1 or 0) .. (run or '') .. list
end

local function read_record(record)
  local ttl, has, run_size, at = unpack_bytes(RECORD, record)
  local run
  if run_size > 0 then
    run = sub(record, at, at + run_size - 2)
    at = at + run_size - 1
  end
  return ttl, has == 1, run, sub(record, at)
end

-- Blobs gain and lose users. order: suffixes; users[suffix]: 1 gains one, -1 loses one, 0 keeps; so
-- pins[suffix] for users that never expire. at: when those that stay or come expire, or nil. left:
-- until when at the most those lived that have gone or been moved, or nil. What must be remembered
-- is put into `to_set`. refs: what is so far, in the order of `order` behind the first `skip`, or
-- nil. store(key, suffix, at), which may be nil, is asked for what is to be stored where there is
-- nothing: 's' if it did, another letter, or nil if there is nothing to store.
-- Returns the suffixes whose blobs may now live too long, for `tighten`, or nil.
local function account(space, order, users, pins, at, left, to_set, refs, skip, store)
  local count = #order
  if count == 0 then return end
  if not refs then
    local fields = {}
    for i = 1, count do fields[i] = 'b' .. order[i] end
    refs, skip = hmget(space.refs, fields), 0
  end
  local gone, forgotten, loose = {}, {}, nil
  for i = 1, count do
    local suffix, ref = order[i], refs[i + skip]
    local user_count, pin_count, last, kind = 0, 0, 0, '.'
    if ref then
      user_count, pin_count, last, kind = unpack_bytes(REF, ref)
      if kind ~= '.' and pin_count == 0 and last < now() then kind = '.' end
    end
    local lived_until = pin_count > 0 and inf or last
    local change = users[suffix]
    user_count = user_count + change
    pin_count = math.max(pin_count + pins[suffix], 0)
    if user_count <= 0 then
      if kind == 's' then gone[#gone + 1] = space.blob .. suffix end
      forgotten[#forgotten + 1] = 'b' .. suffix
    else
      if at and change >= 0 and (at > last or user_count == 1) then
        last = at
      elseif left and left >= last and user_count > pin_count then
        loose = loose or {}
        loose[suffix] = true
      end
      local lives_until = pin_count > 0 and inf or last
      if kind == '.' then
        kind = store and change >= 0 and
          store(space.blob .. suffix, suffix, lives_until ~= inf and lives_until) or '.'
      elseif kind == 's' and lives_until ~= lived_until then
        if lives_until == inf then
          call('PERSIST', space.blob .. suffix)
        else
          call('PEXPIREAT', space.blob .. suffix, lives_until)
        end
      end
      to_set[#to_set + 1] = 'b' .. suffix
      to_set[#to_set + 1] = pack(REF, user_count, pin_count, last, kind)
    end
  end
  if #gone > 0 then with_all(gone, 'UNLINK') end
  if #forgotten > 0 then with_all(forgotten, 'HDEL', space.refs) end
  return loose
end

-- Lets blobs expire with the last of those that name them, when the one that lived longest has gone
-- or been moved. loose: their suffixes, or true for all. Looks at every checkpoint; with very many it
-- is left to time.
local function tighten(space, loose)
  if not loose or call('ZCARD', space.index) > 1000 then return end
  local ids, fields = call('ZRANGE', space.index, 0, -1), {}
  if #ids == 0 then return end
  for i = 1, #ids do fields[i] = 'c' .. ids[i] end
  local records, last = hmget(space.refs, fields), {}
  for i = 1, #ids do
    local at
    if records[i] then
      local ttl, _, _, list = read_record(records[i])
      for suffix in gmatch(ttl > 0 and list or '', '[^ ]+') do
        if loose == true or loose[suffix] then
          at = at or tonumber(call('ZSCORE', space.expiry, ids[i])) or 0
          last[suffix] = math.max(last[suffix] or 0, at)
        end
      end
    end
  end
  local to_set = {}
  for suffix in pairs(loose == true and last or loose) do
    local ref = call('HGET', space.refs, 'b' .. suffix)
    if ref then
      local user_count, pin_count, _, kind = unpack_bytes(REF, ref)
      local until_ms = last[suffix] or 0
      if kind == 's' and pin_count == 0 then call('PEXPIREAT', space.blob .. suffix, until_ms) end
      to_set[#to_set + 1] = 'b' .. suffix
      to_set[#to_set + 1] = pack(REF, user_count, pin_count, until_ms, kind)
    end
  end
  hset(space.refs, to_set)
end

-- A zset by time of expiry keeps its own: when its last member goes.
local function settle_by_top(key)
  local top = call('ZREVRANGE', key, 0, 0, 'WITHSCORES')
  if not top[1] then return end
  local last = tonumber(top[2])
  if last == inf then
    call('PERSIST', key)
  else
    call('PEXPIREAT', key, last)
  end
end

local function leave_runs(runs)
  for run, members in pairs(runs) do
    local key = run_key(run)
    with_all(members, 'ZREM', key)
    settle_by_top(key)
  end
end

-- Takes objects away with all they have; how many of them were checkpoints and alive. What is left
-- of the namespace wants `settle` (lib_expiry.lua) afterwards.
local function drop(space, ids)
  local fields, checkpoints, writes, members = {}, {}, {}, {}
  for i = 1, #ids do
    local escaped = escape(ids[i])
    fields[i] = 'c' .. ids[i]
    checkpoints[i] = space.checkpoint .. escaped
    writes[i] = space.write .. escaped
    members[i] = encode(ids[i]) .. space.place
  end
  local records = hmget(space.refs, fields)
  local order, users, pins, runs, left = {}, {}, {}, {}, nil
  for i = 1, #ids do
    if records[i] then
      local ttl, _, run, list = read_record(records[i])
      local pin = ttl == 0 and 1 or 0
      if ttl > 0 and list ~= '' then
        left = math.max(left or 0, tonumber(call('ZSCORE', space.expiry, ids[i])) or 0)
      end
      local seen = {}
      for suffix in gmatch(list, '[^ ]+') do
        if not seen[suffix] then
          seen[suffix] = true
          if not users[suffix] then
            order[#order + 1], users[suffix], pins[suffix] = suffix, 0, 0
          end
          users[suffix] = users[suffix] - 1
          pins[suffix] = pins[suffix] - pin
        end
      end
      if run then
        runs[run] = runs[run] or {}
        table.insert(runs[run], members[i])
      end
    end
  end
  with_all(ids, 'ZREM', space.index)
  with_all(ids, 'ZREM', space.lone)
  with_all(ids, 'ZREM', space.expiry)
  with_all(members, 'ZREM', space.all)
  with_all(members, 'ZREM', space.all_expiry)
  local dropped = with_all(checkpoints, 'UNLINK')
  with_all(writes, 'UNLINK')
  local to_set = {}
  local loose = account(space, order, users, pins, nil, left, to_set)
  hset(space.refs, to_set)
  with_all(fields, 'HDEL', space.refs)
  tighten(space, loose)
  leave_runs(runs)
  return dropped
end

-- Drops what has expired and is remembered still; whether there was any.
local function purge(space)
  local expired = call('ZRANGEBYSCORE', space.expiry, '-inf', '(' .. format('%.0f', now()),
                       'LIMIT', 0, 500)
  if #expired == 0 then return false end
  drop(space, expired)
  return true
end
