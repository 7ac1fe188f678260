-- needs: store store_names
--
-- Namespaces in order. KEYS: all shards. ARGV: 1 and 2 bounds as for ZRANGEBYLEX, 3 how many.
-- Returns {where to go on or '', encoded namespaces}.

local paths = {}
local function visit(space)
  paths[#paths + 1] = space.path
end
local cursor = each_space(ARGV[1], ARGV[2], tonumber(ARGV[3]), visit)
return {cursor, paths}
