-- needs: store store_names
--
-- How many items there are. KEYS: all shards. ARGV: 1 and 2 bounds as for ZRANGEBYLEX, 3 of how many
-- namespaces at the most.
-- Returns {where to go on or '', count}.

local count = 0
local function visit(space)
  count = count + call('ZCARD', space.keys)
end
local cursor = each_space(ARGV[1], ARGV[2], tonumber(ARGV[3]), visit)
return {cursor, count}
