-- needs: names expiry blobs objects thread
--
-- KEYS: of the source thread: 1 the thread, 2 its shard, 3 the shard's expiry; 4 to 6 those of the
-- target. ARGV: 1 names, 2 "{source}", 3 the source's place, 4 "{target}", 5 the target's place, 6
-- where to go on.
-- Returns {how many checkpoints were copied, where to go on}, or {-1, ''} if there is a target.

local from = make_thread(ARGV[1], ARGV[2], ARGV[3], KEYS[2], KEYS[3])
local to = make_thread(ARGV[1], ARGV[4], ARGV[5], KEYS[5], KEYS[6])
purge(from)
if ARGV[6] == '' then
  purge(to)
  if is_there(to) then return {-1, ''} end
end

local count = 0
local function copy_checkpoint(source, target, id, at)
  local escaped, member = escape(id), listed_as(target, id)
  local key = target.checkpoint .. escaped
  if call('COPY', source.checkpoint .. escaped, key) == 0 then return end
  local head = call('HMGET', key, 'l', 'r')
  for suffix in gmatch(head[1] or '', '[^ ]+') do
    call('COPY', source.blob .. suffix, target.blob .. suffix)
  end
  enlist(to, member, at)
  if head[2] then join_run(run_key(to, head[2]), member, at) end
  count = count + 1
end

local low = ARGV[6] == '' and '-' or '(' .. sub(ARGV[6], 2)
local members = call('ZRANGEBYLEX', from.index, low, '+', 'LIMIT', 0, BUDGET)
for i = 1, #members do
  local source, id, kind = place_of(from, members[i])
  local target = space_of(to, source.start)
  local at = tonumber(call('ZSCORE', from.expiry, members[i]) or nil)
  if call('COPY', source.write .. escape(id), target.write .. escape(id)) == 1 then
    if kind == 'c' then copy_checkpoint(source, target, id, at) end
    list(to, members[i], at)
  end
end
if call('EXISTS', from.delta) == 1 then mark_delta(to) end
return {count, #members == BUDGET and 'm' .. members[BUDGET] or ''}
