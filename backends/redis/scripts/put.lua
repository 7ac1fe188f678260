-- needs: names expiry blobs objects thread
--
-- What a put does behind the commands that keep what it takes the place of (COPY), store channels,
-- body, metadata, parent and the values that changed (SET NX, with PX and the TTL if it has one): all
-- are in one transaction, of which this is the last.
--
-- KEYS: 1 the checkpoint, 2 its writes, 3 the thread, 4 its expiry, 5 its loose, 6 the shard, 7 its
-- expiry, 8 the copy of what was there, 9 the run's, if there is one. ARGV: 1 the thread's member, 2
-- the shard's, 3 flags (e: it expires, g: the call gave its TTL, s: shallow, t: the TTL is the
-- thread's, d: there is a delta channel, p: there is no parent), 4 lines, as an argument costs more
-- than its bytes: TTL in ms or -1; of each channel 1 if it was set; names; tag; what the keys of its
-- blobs begin with; the run; 5 only where it comes late, behind whatever was asked for since: its list
-- of suffixes, and before it p, behind plain commands that did all that is usual, or u, where it is
-- not known what was done. Late it may come more than once: the copy is there until it is done.
-- Returns '', 'newest' if it surely is the latest now, 'again' if something that was there expired
-- meanwhile, or what to go on with (finish.lua).

local call = redis.call
local LINES = '^(%S+)\n(%d*)\n([^\n]*)\n([^\n]*)\n([^\n]*)\n(.*)$'
local late = ARGV[5]
-- What is begun must be ended though the server is out of memory: it lets a script go on that has
-- written before, and this writes nothing.
if late then call('ZREMRANGEBYRANK', KEYS[3], 1, 0) end
local length = late and call('LLEN', KEYS[2]) or call('RPUSH', KEYS[2], '')
local fresh = not late and length == 1

-- The two usual cases go without the libraries: to make their functions costs more than all of this.
-- A new checkpoint that never expires, where nothing else does.
if fresh and (ARGV[3] == '' or ARGV[3] == 'p') and
    call('EXISTS', KEYS[4], KEYS[5], KEYS[7], KEYS[8]) == 0 then
  call('ZADD', KEYS[3], 0, ARGV[1])
  call('ZADD', KEYS[6], 0, ARGV[2])
  if KEYS[9] then
    call('HSET', KEYS[1], 'r', (select(6, string.match(ARGV[4], LINES))))
    call('ZADD', KEYS[9], '+inf', ARGV[2])
    call('PERSIST', KEYS[9])
  end
  local last = call('ZREVRANGEBYLEX', KEYS[3], '(d', '-', 'LIMIT', 0, 1)[1]
  return last == ARGV[1] and 'newest' or ''
end

-- A new one that expires by default, where its lists live long enough. Now and then one goes the long
-- way, which also forgets what has expired.
local ttl, is_set, names, tag, blob_stem, run = string.match(ARGV[4], LINES)
ttl = tonumber(ttl)
local time = call('TIME')
if fresh and (ARGV[3] == 'e' or ARGV[3] == 'ep') and time[2] % 16 > 0 and
    not KEYS[9] and redis.REDIS_VERSION_NUM and call('EXISTS', KEYS[5], KEYS[8]) == 0 then
  local function lasts(key)
    local left = call('PTTL', key)
    return left == -1 or left > ttl
  end
  local suffixes = call('HGET', KEYS[1], 'l')
  if suffixes and lasts(KEYS[3]) and lasts(KEYS[4]) and lasts(KEYS[6]) and lasts(KEYS[7]) then
    local at = string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000) + ttl)
    local position = 0
    local missing = false
    for suffix in string.gmatch(suffixes, '[^ ]+') do
      position = position + 1
      missing = missing or (call('PEXPIREAT', blob_stem .. suffix, at, 'GT') == 0 and
        string.byte(is_set, position) == 49 and call('EXISTS', blob_stem .. suffix) == 0)
    end
    if not missing then
      call('ZADD', KEYS[3], 0, ARGV[1])
      call('ZADD', KEYS[4], at, ARGV[1])
      call('ZADD', KEYS[6], 0, ARGV[2])
      call('ZADD', KEYS[7], at, ARGV[2])
      call('LSET', KEYS[2], 0, string.format('%.0f', ttl))
      call('PEXPIREAT', KEYS[1], at)
      call('PEXPIREAT', KEYS[2], at)
      return ''
    end
  end
end
--LIBRARIES--
local checkpoint, writes, listed = KEYS[1], KEYS[2], ARGV[2]
local member, flags = ARGV[1], ARGV[3]
local given = find(flags, 'g', 1, true)
local asked = ttl
if not KEYS[9] then run = nil end
local _, stop = take(listed, 1)
local _, place_end = find(listed, '\255\255', stop + 1, true)
local thread = make_thread(names, tag, sub(listed, stop + 1, place_end), KEYS[6], KEYS[7])
local space, id = place_of(thread, member)

local suffixes, old_run = unpack(call('HMGET', checkpoint, 'l', 'r'))
local dropped = {}
for suffix in gmatch(call('HGET', KEYS[8], 'l') or '', '[^ ]+') do dropped[suffix] = true end

-- Since it was put it has gone, or was put again: all that is left to do is what it would have done
-- to the one that was there. It may not have been put at all.
local own = late and sub(late, 2)
if late and suffixes ~= own then
  for suffix in gmatch(own, '[^ ]+') do dropped[suffix] = true end
  if not suffixes then call('UNLINK', KEYS[8]) end
  return rebind(space, dropped) and go_on(thread, names, 'r', 's') or ''
end

local copied = call('PTTL', KEYS[8]) -- -2: there was none
if late and sub(late, 1, 1) == 'u' and copied == -2 and length > 0 and
    call('ZSCORE', thread.index, member) then
  return call('EXISTS', thread.loose) == 1 and go_on(thread, names, 'r', 's') or '' -- it was done
end

-- Its object, as it was.
if length == 0 then length = call('RPUSH', writes, '') elseif late then length = length + 1 end
if length > 1 and not late then call('RPOP', writes) end
if not suffixes then
  call('DEL', checkpoint, length == 1 and writes or checkpoint)
  return 'again'
end
local lone = copied == -2 and length > 1
local old_ttl = length > 1 and (ttl_of(space, id) or 0) or nil
local old_at = (late or copied ~= -2) and (tonumber(call('ZSCORE', thread.expiry, member) or nil) or inf)
if find(flags, 'p', 1, true) then call('HDEL', checkpoint, 'p') end
if old_run and old_run ~= run then
  call('HDEL', checkpoint, 'r')
  leave_run(run_key(thread, old_run), {listed})
end
local has_ghosts = purge(thread)
if length > 1 then unlist(thread, {'w' .. sub(member, 2)}) end

-- As it is to be.
if old_ttl == 0 and not given then ttl = -1 end
local at = ttl > 0 and now() + ttl or nil
if late and copied < 0 and old_at and old_at < inf then ttl, at = old_ttl, old_at end -- was given since
call('LSET', writes, 0, at and plain(ttl) or '')
if run then
  call('HSET', checkpoint, 'r', run)
  join_run(KEYS[9], listed, at)
  if old_at and at and old_at > at then settle_run(KEYS[9]) end
end
list(thread, member, at)
if find(flags, 'd', 1, true) then mark_delta(thread) end
if at then purge_shard(thread) end
enlist(thread, listed, at)
call('UNLINK', KEYS[8])
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
