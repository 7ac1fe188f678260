-- needs: store store_names
--
-- Where the next items of a search are. KEYS: all shards. ARGV: 1 and 2 bounds of namespaces as for
-- ZRANGEBYLEX, 3 of how many of them at the most, 4 order (d: latest change first, a: last, k: by
-- key), 5 how many items, 6 as what it goes on: "" from the beginning, or behind the item that was
-- changed then, 7 whose key is this, 8 whose encoded namespace is this, 9 the worst score of interest or
-- "", 10 "v" if the items are wanted too, if these are all and not too large.
-- Returns {where to go on or '', {namespace, {key, score, ...}, ...}, {item, ...}};
-- scores are -1 * updated_at, by key they are left out.

local order, most, since, behind, path = ARGV[4], tonumber(ARGV[5]), ARGV[6], ARGV[7], ARGV[8]
local worst = ARGV[9]
local score = since ~= '' and -tonumber(since)

-- The rank of the first key behind the place; with the place itself, where the namespace comes later.
local function rank_behind(space)
  local text = plain(score)
  local first = call('ZCOUNT', space.changes, '-inf', '(' .. text)
  local last = first + call('ZCOUNT', space.changes, text, text)
  local inclusive = less(path, space.path)
  local low, high = first, last
  while low < high do
    local middle = math.floor((low + high) / 2)
    local key = call('ZRANGE', space.changes, middle, middle)[1]
    if less(behind, key) or (inclusive and key == behind) then high = middle else low = middle + 1 end
  end
  return low, first, last
end

local function append(to, from)
  for i = 1, #from do to[#to + 1] = from[i] end
end

-- Earliest change first: moments from the end of the list, each in the order of its keys.
local function rising(space, rows, rest)
  local stop = call('ZCARD', space.changes)
  if score then
    local low, first, last = rank_behind(space)
    if low < last then
      append(rows, call('ZRANGE', space.changes, low, math.min(last, low + rest) - 1, 'WITHSCORES'))
    end
    stop = first
  end
  local least = worst ~= '' and call('ZCOUNT', space.changes, '-inf', '(' .. worst) or 0
  while stop > least and #rows < 2 * rest do
    local text = call('ZRANGE', space.changes, stop - 1, stop - 1, 'WITHSCORES')[2]
    local first = call('ZCOUNT', space.changes, '-inf', '(' .. text)
    local last = math.min(stop, first + rest - #rows / 2)
    append(rows, call('ZRANGE', space.changes, first, last - 1, 'WITHSCORES'))
    stop = first
  end
end

local function take(space)
  local rows = {}
  if order == 'k' then
    local least = since ~= '' and space.path == path and '(' .. behind or '-'
    return call('ZRANGEBYLEX', space.keys, least, '+', 'LIMIT', 0, most)
  elseif order == 'd' then
    local first = score and rank_behind(space) or 0
    local stop = first + most
    if worst ~= '' then stop = math.min(stop, call('ZCOUNT', space.changes, '-inf', worst)) end
    return stop > first and call('ZRANGE', space.changes, first, stop - 1, 'WITHSCORES') or {}
  end
  rising(space, rows, most)
  return rows
end

local found = {}
local function visit(space)
  local rows = take(space)
  if #rows == 0 then return end
  found[#found + 1] = space.path
  found[#found + 1] = rows
  if order == 'k' then
    most = most - #rows
    return most > 0
  end
end
local cursor = each_space(ARGV[1], ARGV[2], tonumber(ARGV[3]), visit)

local items = {}
local count = 0
for i = 2, #found, 2 do count = count + #found[i] end
local step = order == 'k' and 1 or 2
local enough = tonumber(ARGV[5])
if ARGV[10] == 'v' and (cursor == '' or order == 'k') and count / step <= enough then
  local bytes = 0
  for i = 2, #found, 2 do
    local stem = 'langgraph:store:' .. tag_of(found[i - 1]) .. ':'
    for j = 1, #found[i], step do
      if bytes > 65536 or #items == 128 then break end
      local item = call('GET', stem .. escape(found[i][j]))
      bytes = bytes + #(item or '')
      items[#items + 1] = item
    end
  end
end
return {cursor, found, items}
