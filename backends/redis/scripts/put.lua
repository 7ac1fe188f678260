-- needs: names expiry blobs objects thread
--
-- What a put does behind the commands that store body, metadata, parent and the values that changed
-- (SET NX, with PX and the TTL if it has one): all are in one transaction, of which this is the last.
--
-- KEYS: 1 the checkpoint, 2 its writes, 3 the thread, 4 its expiry, 5 its loose, 6 the shard, 7 its
-- expiry, 8 the run's, if there is one. ARGV: 1 list of suffixes, 2 the thread's member, 3 the
-- shard's, 4 flags (e: it expires, g: the call gave its TTL, s: shallow, t: the TTL is the thread's,
-- d: there is a delta channel, p: there is no parent), 5 lines, as an argument costs more than its
-- bytes: TTL in ms or -1; of each suffix 1 if it was set; names; tag; what the keys of its blobs begin
-- with; the run; 6 only where it comes late, behind plain commands that did all that is usual and
-- whatever was asked for since: n if they put a new checkpoint, or o and the list of the one that was
-- there, or k and that if it had no expiry.
-- Returns '', 'newest' if it surely is the latest now, 'again' if something that was there expired
-- meanwhile, or what to go on with (finish.lua).

local call = redis.call
local LINES = '^(%S+)\n(%d*)\n([^\n]*)\n([^\n]*)\n([^\n]*)\n(.*)$'
local late = ARGV[6]
-- What is begun must be ended though the server is out of memory: it lets a script go on that has
-- written before, and this writes nothing.
if late then call('ZREMRANGEBYRANK', KEYS[3], 1, 0) end
local fresh = not late and call('HSETNX', KEYS[1], 'l', ARGV[1]) == 1
local length = late and 2 or call('RPUSH', KEYS[2], '')

-- The two usual cases go without the libraries: to make their functions costs more than all of this.
-- A new checkpoint that never expires, where nothing else does.
if fresh and length == 1 and (ARGV[4] == '' or ARGV[4] == 'p') and
    call('EXISTS', KEYS[4], KEYS[5], KEYS[7]) == 0 then
  call('ZADD', KEYS[3], 0, ARGV[2])
  call('ZADD', KEYS[6], 0, ARGV[3])
  if KEYS[8] then
    call('HSET', KEYS[1], 'r', (select(6, string.match(ARGV[5], LINES))))
    call('ZADD', KEYS[8], '+inf', ARGV[3])
    call('PERSIST', KEYS[8])
  end
  local last = call('ZREVRANGEBYLEX', KEYS[3], '(d', '-', 'LIMIT', 0, 1)[1]
  return last == ARGV[2] and 'newest' or ''
end

-- A new one that expires by default, where its lists live long enough. Now and then one goes the long
-- way, which also forgets what has expired.
local ttl, is_set, names, tag, blob_stem, run = string.match(ARGV[5], LINES)
ttl = tonumber(ttl)
local time = call('TIME')
if fresh and length == 1 and (ARGV[4] == 'e' or ARGV[4] == 'ep') and time[2] % 16 > 0 and
    not KEYS[8] and redis.REDIS_VERSION_NUM and call('EXISTS', KEYS[5]) == 0 and
    call('HEXISTS', KEYS[1], 'b') == 1 then
  local function lasts(key)
    local left = call('PTTL', key)
    return left == -1 or left > ttl
  end
  if lasts(KEYS[3]) and lasts(KEYS[4]) and lasts(KEYS[6]) and lasts(KEYS[7]) then
    local at = string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000) + ttl)
    local position = 0
    local missing = false
    for suffix in string.gmatch(ARGV[1], '[^ ]+') do
      position = position + 1
      missing = missing or (call('PEXPIREAT', blob_stem .. suffix, at, 'GT') == 0 and
        string.byte(is_set, position) == 49 and call('EXISTS', blob_stem .. suffix) == 0)
    end
    if not missing then
      call('ZADD', KEYS[3], 0, ARGV[2])
      call('ZADD', KEYS[4], at, ARGV[2])
      call('ZADD', KEYS[6], 0, ARGV[3])
      call('ZADD', KEYS[7], at, ARGV[3])
      call('LSET', KEYS[2], 0, string.format('%.0f', ttl))
      call('PEXPIREAT', KEYS[1], at)
      call('PEXPIREAT', KEYS[2], at)
      return ''
    end
  end
end
--LIBRARIES--
local checkpoint, writes, listed = KEYS[1], KEYS[2], ARGV[3]
local suffixes, member, flags = ARGV[1], ARGV[2], ARGV[4]
local given = find(flags, 'g', 1, true)
local asked = ttl
if not KEYS[8] then run = nil end
local _, stop = take(listed, 1)
local _, place_end = find(listed, '\255\255', stop + 1, true)
local thread = make_thread(names, tag, sub(listed, stop + 1, place_end), KEYS[6], KEYS[7])
local space, id = place_of(thread, member)

-- Since it was put it has gone, or was put again: all that is left to do is what it would have done
-- to the one that was there.
if late and call('HGET', checkpoint, 'l') ~= suffixes then
  local dropped = {}
  for suffix in gmatch(sub(late, 2), '[^ ]+') do dropped[suffix] = true end
  return rebind(space, dropped) and go_on(thread, names, 'r', 's') or ''
end

-- Its object, as it was.
local lone = (fresh or late == 'n') and length > 1
if length > 1 and not late then call('RPOP', writes) end
if call('HEXISTS', checkpoint, 'b') == 0 then
  call('DEL', checkpoint, length == 1 and writes or checkpoint)
  return 'again'
end
local old_ttl = length > 1 and (ttl_of(space, id) or 0) or nil
local old_at = not fresh and (tonumber(call('ZSCORE', thread.expiry, member) or nil) or inf) or nil
local dropped = {}
if not fresh and late ~= 'n' then
  local old = call('HMGET', checkpoint, 'l', 'r')
  for suffix in gmatch(late and sub(late, 2) or old[1], '[^ ]+') do dropped[suffix] = true end
  call('HSET', checkpoint, 'l', suffixes)
  if find(flags, 'p', 1, true) then call('HDEL', checkpoint, 'p') end
  if old[2] and old[2] ~= run then
    call('HDEL', checkpoint, 'r')
    leave_run(run_key(thread, old[2]), {listed})
  end
end
local has_ghosts = purge(thread)
if length > 1 then unlist(thread, {'w' .. sub(member, 2)}) end

-- As it is to be.
if old_ttl == 0 and not given then ttl = -1 end
local at = ttl > 0 and now() + ttl or nil
if late and sub(late, 1, 1) ~= 'o' and old_at < inf then ttl, at = old_ttl, old_at end -- was given since
call('LSET', writes, 0, at and plain(ttl) or '')
if run then
  call('HSET', checkpoint, 'r', run)
  join_run(KEYS[8], listed, at)
  if old_at and at and old_at > at then settle_run(KEYS[8]) end
end
list(thread, member, at)
if find(flags, 'd', 1, true) then mark_delta(thread) end
if at then purge_shard(thread) end
enlist(thread, listed, at)
-- From here on nothing of its own may be read: with a short life it may be gone.
if at then
  expire_all({checkpoint, writes}, plain(at))
else
  persist_all({checkpoint, writes})
end

local position = 0
for suffix in gmatch(suffixes, '[^ ]+') do
  position = position + 1
  if not prolong(space.blob .. suffix, at) and sub(is_set, position, position) == '1' and
      call('EXISTS', space.blob .. suffix) == 0 then
    return 'again'
  end
end
hold_loose(space, suffixes, at)
if old_at and not (at and old_at > at) then
  -- Of the old ones, only those that it does not name any more.
  for suffix in gmatch(suffixes, '[^ ]+') do dropped[suffix] = nil end
end
local more = rebind(space, dropped)
local sooner = old_ttl and at and (old_ttl == 0 or (old_at or inf) > at)
if sooner or lone then settle(thread) end

local how = find(flags, 't', 1, true) and (given and 's' or 'd') .. plain(asked)
if find(flags, 's', 1, true) then
  local seen = BUDGET
  if not has_ghosts then
    _, seen = keep_newest(space, 1, nil, nil, BUDGET)
    settle(thread)
  end
  if seen == BUDGET then
    return go_on(thread, names, 'k' .. (how or 'r') .. ' ' .. space.start, '')
  end
  more = more or call('EXISTS', thread.loose) == 1
end
if how then
  local cursor = move_thread(thread, sub(how, 1, 1), asked, '')
  return cursor ~= '' and go_on(thread, names, how, cursor) or ''
end
return more and go_on(thread, names, 'r', 's') or ''
