-- Names. Whatever belongs to a thread has its hash tag, "{thread}", and so its slot:
--
--   <stem>:{thread}:ns:id               HASH    b body, m metadata, p parent id
--   <stem>_blob:{thread}:ns:ch:version  STRING  a channel's value
--   <stem>_write:{thread}:ns:id         HASH    pending writes
--   <stem>_index:{thread}:ns            ZSET    ids of checkpoints, all with score 0: ordered bytewise
--   <stem>_lone:{thread}:ns             ZSET    ids that have writes and no checkpoint (yet)
--   <stem>_expiry:{thread}:ns           ZSET    ids of what expires, by when
--   <stem>_refs:{thread}:ns             HASH    what is counted and remembered: lib_objects.lua
--   KEYS[1]                             ZSET    namespaces of the thread, by when they expire
--
-- In slots of their own, and so declared and not derived:
--
--   KEYS[2]                 ZSET  one shard of all checkpoints: members ordered as lists are
--   KEYS[3]                 ZSET  those of them that expire, by when
--   <stem>_run:{run}        ZSET  the same members, of one run, by when they expire
--
-- Names in a thread's slot are made here from its tag, because which blobs a checkpoint uses is
-- known to the server only. A member of the shards is encode(id) .. place, and a place the inverted
-- encode(thread) .. encode(ns): so the greatest member is the newest id, and of equal ids the least
-- thread, then the least namespace.

local call = redis.call
local find, gsub, sub, gmatch, format = string.find, string.gsub, string.sub, string.gmatch, string.format
local pack, unpack_bytes = struct.pack, struct.unpack
local inf = math.huge
local stem = ARGV[1]

local function percent(c)
  return format('%%%02X', string.byte(c))
end

-- As redis_key_escape does. %w is what isalnum says, in the C locale.
local function escape(id)
  if id == '' then return '%' end
  if not find(id, '[^A-Za-z0-9_.-]') then return id end
  return (gsub(id, '[^A-Za-z0-9_.-]', percent))
end

-- As redis_key_encode does: in the order of the ids, and none the beginning of another.
local function encode(id)
  if find(id, '%z') then id = gsub(id, '%z', '\0\255') end
  return id .. '\0\0'
end

-- tag: "{thread}:ns", escaped.
local function make_space(tag, ns, place, thread_key, all_key, all_expiry_key)
  return {
    ns = ns,
    place = place,
    thread = thread_key,
    all = all_key,
    all_expiry = all_expiry_key,
    checkpoint = stem .. ':' .. tag .. ':',
    blob = stem .. '_blob:' .. tag .. ':',
    write = stem .. '_write:' .. tag .. ':',
    index = stem .. '_index:' .. tag,
    lone = stem .. '_lone:' .. tag,
    expiry = stem .. '_expiry:' .. tag,
    refs = stem .. '_refs:' .. tag,
  }
end

local function run_key(run)
  return stem .. '_run:{' .. escape(run) .. '}'
end
