-- needs: names expiry blobs objects thread
--
-- Makes what copy_out.lua says. KEYS: of the target thread: 1 itself, 2 its shard, 3 the shard's expiry.
-- ARGV: 1 names, 2 "{thread}", 3 its place, 4 f if it is the first call, or '', 5 ... parts.
-- Returns how many checkpoints were made; -1: there is a target.

local thread = make_thread(ARGV[1], ARGV[2], ARGV[3], KEYS[2], KEYS[3])
if ARGV[4] == 'f' then
  purge(thread)
  if is_there(thread) then return -1 end
end

local function restore(key, dump, at)
  if call('EXISTS', key) == 1 then return false end
  call('RESTORE', key, at == '' and '0' or at, dump, 'ABSTTL')
  return call('EXISTS', key) == 1 -- it may have expired on its way
end

local count, is_new = 0, false
local makers = {}

function makers.w(member, dump, at)
  local space, id = place_of(thread, member)
  is_new = restore(space.write .. escape(id), dump, at)
  if is_new then list(thread, member, tonumber(at)) end
end

function makers.c(member, dump, at)
  local space, id = place_of(thread, member)
  local key = space.checkpoint .. escape(id)
  if not is_new or not restore(key, dump, at) then return end
  local listed, run = listed_as(space, id), call('HGET', key, 'r')
  enlist(thread, listed, tonumber(at))
  if run then join_run(run_key(thread, run), listed, tonumber(at)) end
  count = count + 1
end

function makers.b(name, dump, at)
  local _, last = take(name, 1)
  restore(space_of(thread, sub(name, 1, last)).blob .. sub(name, last + 1), dump, at)
end

function makers.d()
  mark_delta(thread)
end

for i = 5, #ARGV, 3 do makers[sub(ARGV[i], 1, 1)](sub(ARGV[i], 2), ARGV[i + 1], ARGV[i + 2]) end
return count
