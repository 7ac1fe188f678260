-- needs: names objects expiry thread rows merge
--
-- A page of a thread. ARGV: 1 stem, 2 "{thread}", 3 the thread's place, 4 "=" .. ns or "" for all,
-- 5 and 6 the least and greatest id as for ZRANGEBYLEX, 7 "" or the cursor: only what comes behind
-- it, which has the id of 6, 8 how many, 9 flags (h: headers only),
-- 10 the thread.
-- Returns {cursor, rows} (lib_merge.lua).

local least, greatest, cursor, most = ARGV[5], ARGV[6], ARGV[7], tonumber(ARGV[8])
local spaces
if ARGV[4] ~= '' then
  spaces = {space_of(ARGV[2], ARGV[3], sub(ARGV[4], 2), KEYS[1], KEYS[2], KEYS[3])}
else
  spaces = spaces_of(ARGV[2], ARGV[3], 1)
end

local batch = math.max(8, math.ceil(1.2 * most / math.max(#spaces, 1)) + 1)
local function fill(source)
  local space = source.space
  local ids = call('ZREVRANGEBYLEX', space.index, source.below, least, 'LIMIT', 0, batch)
  local members = {}
  for i = 1, #ids do members[i] = encode(ids[i]) .. space.place end
  source.below = #ids > 0 and '(' .. ids[#ids] or '('
  return members, ids
end

local sources = {}
for i = 1, #spaces do
  local below = greatest
  -- Of the cursor's own id, namespaces that come later are still to come.
  if cursor ~= '' and not less(encode(sub(below, 2)) .. spaces[i].place, cursor) then
    below = '(' .. sub(below, 2)
  end
  spaces[i].thread_id = ARGV[10]
  sources[i] = {space = spaces[i], below = below, fill = fill}
end

local dead = {}
local function place_of(_, id, source)
  return source.space, id
end
local function lost(space, id)
  dead[space] = dead[space] or {}
  table.insert(dead[space], id)
end
local page = take_page(merge(sources), most, find(ARGV[9], 'h', 1, true), place_of, lost)
for space, ids in pairs(dead) do
  drop(space, ids)
  settle(space)
end
return page
