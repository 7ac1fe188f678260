-- needs: names expiry blobs objects thread
--
-- KEYS: 1 the thread, 2 its shard, 3 the shard's expiry. ARGV: 1 names, 2 tag, 3 the thread's place,
-- 4 where to go on.
-- Returns {how many checkpoints are gone, where to go on}.

local thread = make_thread(ARGV[1], ARGV[2], ARGV[3], KEYS[2], KEYS[3])
local members = call('ZRANGEBYLEX', thread.index, '-', '+', 'LIMIT', 0, BUDGET)
local count = 0
if #members > 0 then
  count = drop(thread, members)
  settle(thread)
  if #members == BUDGET then return {count, 'm'} end
end
return {count, sweep_from(thread, sub(ARGV[4], 1, 1) == 's' and ARGV[4] or 's')}
