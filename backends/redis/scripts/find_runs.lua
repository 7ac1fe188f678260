-- Which slots have checkpoints of a run. KEYS: none. ARGV: 1 what the keys of runs begin with, 2 hash
-- tags of the slots, of four bytes each, 3 the run, escaped.
-- Returns which of the slots, from 0 on, have some, or are not here.

local found = {}
for slot = 0, #ARGV[2] / 4 - 1 do
  local tag = string.sub(ARGV[2], 4 * slot + 1, 4 * slot + 4)
  if redis.pcall('EXISTS', ARGV[1] .. '{' .. tag .. '}:' .. ARGV[3]) ~= 0 then
    found[#found + 1] = slot
  end
end
return found
