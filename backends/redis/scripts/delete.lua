-- needs: names objects expiry thread
--
-- ARGV: 1 stem, 2 "{thread}", 3 the thread's place, 4 where to go on.
-- Returns {how many checkpoints are gone, where to go on}.

local count = 0
local function visit(space, ids)
  count = count + drop(space, ids)
end
local cursor = walk(spaces_of(ARGV[2], ARGV[3], 1), ARGV[4], visit, settle)
return {count, cursor}
