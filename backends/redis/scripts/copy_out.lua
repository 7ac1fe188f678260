-- needs: names expiry blobs objects thread
--
-- What copy_in.lua makes a copy of in another slot of a cluster. KEYS: of the thread: 1 itself, 2 its shard,
-- 3 the shard's expiry. ARGV: 1 names, 2 "{thread}", 3 its place, 4 where to go on.
-- Returns {where to go on, parts}: a part is a kind and what it is of, a DUMP, and when it expires or ''. Kinds
-- are w (writes of a member; c and b behind it are of the same object), c (checkpoint of a member), b (a
-- blob: the encoded namespace and the suffix), d (there was a delta channel).

local thread = make_thread(ARGV[1], ARGV[2], ARGV[3], KEYS[2], KEYS[3])
purge(thread)

local MOST_BYTES = 262144
local answer, bytes, sent = {''}, 0, {}
local function add(what, key)
  local dump = call('DUMP', key)
  if not dump then return false end
  local left = call('PTTL', key)
  answer[#answer + 1] = what
  answer[#answer + 1] = dump
  answer[#answer + 1] = left >= 0 and plain(now() + left) or ''
  bytes = bytes + #dump
  return true
end

local function add_object(member)
  local space, id, kind = place_of(thread, member)
  local key = space.checkpoint .. escape(id)
  if not add('w' .. member, space.write .. escape(id)) then return end
  if kind ~= 'c' or not add('c' .. member, key) then return end
  for suffix in gmatch(call('HGET', key, 'l') or '', '[^ ]+') do
    local blob = space.blob .. suffix
    if not sent[blob] then
      sent[blob] = true
      add('b' .. space.start .. suffix, blob)
    end
  end
end

local low = ARGV[4] == '' and '-' or '(' .. sub(ARGV[4], 2)
local members = call('ZRANGEBYLEX', thread.index, low, '+', 'LIMIT', 0, BUDGET)
if ARGV[4] == '' and call('EXISTS', thread.delta) == 1 then
  for _, part in ipairs({'d', '', ''}) do answer[#answer + 1] = part end
end
for i = 1, #members do
  add_object(members[i])
  if bytes > MOST_BYTES or i == BUDGET then
    answer[1] = 'm' .. members[i]
    break
  end
end
return answer
