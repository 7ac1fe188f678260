-- needs: store store_names
--
-- Which namespaces a search by vector may leave to their vector sets. KEYS: all shards. ARGV: 1 and 2
-- bounds as for ZRANGEBYLEX, 3 of how many namespaces at the most, 4 which set, as "xname:dimensions",
-- 5 how many elements make it worth while.
-- Returns {where to go on or '', {first, last, elements, ...}}: of a namespace and its set, which has
-- all its items; or of such as have to be read, one after the other, and 0.

local rows = {}
local waits

local function elements_of(space)
  local set = space.near .. ':' .. ARGV[4]
  local count = redis.pcall('VCARD', set)
  if type(count) ~= 'number' or count < tonumber(ARGV[5]) then return 0 end
  if call('EXISTS', space.left) == 1 and not take_left(space, call('SMEMBERS', space.near)) then
    return nil
  end
  return call('VCARD', set) == call('ZCARD', space.keys) and count or 0
end

local function visit(space)
  local count = elements_of(space)
  if not count then
    waits = '[' .. space.path
    return false
  end
  if count == 0 and rows[#rows] == 0 then
    rows[#rows - 1] = space.path
  else
    rows[#rows + 1] = space.path
    rows[#rows + 1] = space.path
    rows[#rows + 1] = count
  end
end
local cursor = each_space(ARGV[1], ARGV[2], tonumber(ARGV[3]), visit)
return {waits or cursor, rows}
