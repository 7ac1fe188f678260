-- needs: names expiry blobs objects thread rows merge
--
-- A page of a thread. KEYS: 1 the thread. ARGV: 1 names, 2 tag, 3 the thread's place, 4 the beginning
-- of the namespace or "" for all, 5 and 6 the least and greatest id as for ZRANGEBYLEX, 7 "" or the
-- cursor: only what comes behind it, which has the id of 6, 8 how many, 9 flags (h: headers only), 10
-- the thread.
-- Returns {cursor, rows} (lib_merge.lua).

local least, greatest, cursor, most = ARGV[5], ARGV[6], ARGV[7], tonumber(ARGV[8])
local thread = make_thread(ARGV[1], ARGV[2], ARGV[3])
thread.id = ARGV[10]
local spaces = {}
if ARGV[4] ~= '' then
  spaces[1] = space_of(thread, ARGV[4])
else
  local space = greatest ~= '-' and next_space(thread, '[c')
  while space do
    spaces[#spaces + 1] = space
    space = next_space(thread, '[c' .. space.stop)
  end
end

local function member_bound(space, bound, none)
  if bound == '-' or bound == '+' then return none end
  return sub(bound, 1, 1) .. 'c' .. space.start .. sub(bound, 2)
end

local batch = math.max(4, math.ceil(1.2 * math.min(most, MOST_ROWS) / math.max(#spaces, 1)) + 1)
local function fill(source)
  local space = source.space
  local listed = greatest ~= '-' and call('ZREVRANGEBYLEX', thread.index, source.below, source.least,
                                          'LIMIT', 0, batch) or {}
  local members, ids = {}, {}
  for i = 1, #listed do
    ids[i] = sub(listed[i], 2 + #space.start)
    members[i] = listed_as(space, ids[i])
  end
  if #listed > 0 then source.below = '(' .. listed[#listed] end
  return members, ids
end

local sources = {}
for i = 1, #spaces do
  local space = spaces[i]
  local below = greatest
  -- Of the cursor's own id, namespaces that come later are still to come.
  if cursor ~= '' and not less(listed_as(space, sub(below, 2)), cursor) then
    below = '(' .. sub(below, 2)
  end
  sources[i] = {space = space, fill = fill, below = member_bound(space, below, '(c' .. space.stop),
                least = member_bound(space, least, '[c' .. space.start)}
end

local dead = {}
local function where_of(_, id, source)
  return source.space, id
end
local function lost(space, id)
  dead[#dead + 1] = 'c' .. space.start .. id
end
local page = take_page(merge(sources), most, find(ARGV[9], 'h', 1, true), where_of, lost)
unlist(thread, dead)
return page
