-- Names. Whatever belongs to a thread has its hash tag, "{thread}", and so its slot:
--
--   <stem>:{thread}:ns:id               HASH  b body, m metadata, p parent id, r run id, l suffixes
--                                             ("channel:version", escaped) of its blobs, in the order
--                                             of channel_versions. Without l there is no checkpoint
--   <stem>_replaced:{thread}:ns:id    HASH  a copy of what a put took the place of, until its script has
--                                             seen to it (put.lua), or the checkpoint goes
--   <stem>_write:{thread}:ns:id         LIST  the full TTL of the object in ms, or '' if it never
--                                             expires; then its pending writes, as they came
--   <stem>_blob:{thread}:ns:ch:version  STRING  v and a channel's value, e: empty, d: a delta
--   <thread>:{thread}                   ZSET  all with score 0: what there is of the thread
--   <thread>_expiry:{thread}            ZSET  those of them that expire, by when
--   <thread>_loose:{thread}             ZSET  blobs whose users are being counted: lib_blobs.lua
--   <thread>_delta:{thread}             STRING  there if a delta channel was ever put
--
-- An object is a checkpoint with its pending writes, or writes that have no checkpoint (yet). Both its
-- keys have one expiry, and where there is an object there is its list of writes.
--
-- A member of the thread is 'c' (checkpoint) or 'w' (writes alone) .. encode(ns) .. id.
--
-- In slots of their own, so declared and not derived:
--
--   all         ZSET  one shard of all checkpoints: members ordered as lists are
--   all_expiry  ZSET  those of them that expire, by when
--   <stem>_run:{run}  ZSET  the same members, of one run, by when they expire
--
-- In a cluster there is one of each for every slot, in that slot: all and all_expiry end with a hash
-- tag of it, "{slot}", and the run's is <stem>_run:{slot}:run.
--
-- A member of the shards is encode(id) .. place, and a place the inverted encode(thread) ..
-- encode(ns): so the greatest member is the newest id, and of equal ids the least thread, then the
-- least namespace.

local call = redis.call
local find, gsub, sub, gmatch, format = string.find, string.gsub, string.sub, string.gmatch, string.format
local inf = math.huge

local function percent(c)
  return format('%%%02X', string.byte(c))
end

-- As redis_escape does. %w is what isalnum says, in the C locale.
local function escape(id)
  if id == '' then return '%' end
  if not find(id, '[^A-Za-z0-9_.-]') then return id end
  return (gsub(id, '[^A-Za-z0-9_.-]', percent))
end

-- As redis_encode does: in the order of the ids, and none the beginning of another.
local function encode(id)
  if find(id, '%z') then id = gsub(id, '%z', '\0\255') end
  return id .. '\0\0'
end

local function decode(encoded)
  return (gsub(encoded, '%z\255', '\0'))
end

-- The encoded id at `at`, decoded, and where it ends.
local function take(bytes, at)
  local last = select(2, find(bytes, '\0\0', at, true))
  return decode(sub(bytes, at, last - 2)), last
end

local function invert_byte(c)
  return string.char(255 - string.byte(c))
end

local function invert(bytes)
  return (gsub(bytes, '.', invert_byte))
end

-- names: "stem thread", what keys begin with; tag: "{thread}"; place: the thread's; all, all_expiry:
-- its shard, nil where nothing is changed that it lists.
local function make_thread(names, tag, place, all, all_expiry)
  local stem, head = string.match(names, '^(%S+) (%S+)$')
  return {
    stem = stem,
    tag = tag,
    place = place,
    all = all,
    all_expiry = all_expiry,
    index = head .. ':' .. tag,
    expiry = head .. '_expiry:' .. tag,
    loose = head .. '_loose:' .. tag,
    delta = head .. '_delta:' .. tag,
    spaces = {},
  }
end

-- A namespace of a thread; start: encode(ns).
local function space_of(thread, start)
  local space = thread.spaces[start]
  if space then return space end
  local ns = decode(sub(start, 1, -3))
  local tag = thread.tag .. ':' .. escape(ns) .. ':'
  space = {
    thread = thread,
    ns = ns,
    start = start,
    stop = sub(start, 1, -2) .. '\1',
    checkpoint = thread.stem .. ':' .. tag,
    replaced = thread.stem .. '_replaced:' .. tag,
    blob = thread.stem .. '_blob:' .. tag,
    write = thread.stem .. '_write:' .. tag,
  }
  thread.spaces[start] = space
  return space
end

-- The member of an id in the shards.
local function listed_as(space, id)
  if not space.place then space.place = space.thread.place .. invert(space.start) end
  return encode(id) .. space.place
end

-- Of a thread's member: its space, its id, its kind.
local function place_of(thread, member)
  local last = select(2, find(member, '\0\0', 2, true))
  return space_of(thread, sub(member, 2, last)), sub(member, last + 1), sub(member, 1, 1)
end

local function run_key(thread, run)
  local slot = string.match(thread.all, '{[^{}]*}$')
  if slot then return thread.stem .. '_run:' .. slot .. ':' .. escape(run) end
  return thread.stem .. '_run:{' .. escape(run) .. '}'
end
