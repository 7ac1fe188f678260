-- Namespaces in order, over all shards: KEYS are all of them.

-- Bytewise; the operator goes by the locale.
local function less(a, b)
  local size = math.min(#a, #b)
  local at = 1
  while at + 5 <= size do
    local x, next_at = struct.unpack('>I6', a, at)
    local y = struct.unpack('>I6', b, at)
    if x ~= y then return x < y end
    at = next_at
  end
  for i = at, size do
    local x, y = string.byte(a, i), string.byte(b, i)
    if x ~= y then return x < y end
  end
  return #a < #b
end

local function fill(source, greatest, chunk)
  if not source.least then return end
  source.paths = call('ZRANGEBYLEX', source.shard, source.least, greatest, 'LIMIT', 0, chunk)
  source.at = 1
  local count = #source.paths
  source.least = count == chunk and '(' .. source.paths[count] or nil
end

-- Gives path and shard of the next namespace between the bounds, as for ZRANGEBYLEX.
local function paths_between(least, greatest, most)
  local sources = {}
  local chunk = math.max(2, math.ceil(2 * most / #KEYS))
  for i = 1, #KEYS do
    local source = {shard = KEYS[i], least = least}
    fill(source, greatest, chunk)
    if source.paths[1] then sources[#sources + 1] = source end
  end
  return function()
    local first
    for i = 1, #sources do
      local path = sources[i].paths[sources[i].at]
      if not first or less(path, sources[first].paths[sources[first].at]) then first = i end
    end
    if not first then return nil end
    local source = sources[first]
    local path = source.paths[source.at]
    source.at = source.at + 1
    if not source.paths[source.at] then fill(source, greatest, chunk) end
    if not source.paths[source.at] then table.remove(sources, first) end
    return path, source.shard
  end
end

-- Whether a namespace still has an item. What is left of it otherwise goes. Nil: that
-- cannot be told yet.
local function is_alive(space)
  if not purge(space) then return nil end
  if call('EXISTS', space.keys) == 1 then return true end
  call('UNLINK', space.expiry)
  drop_sets(space)
  call('ZREM', space.shard, space.path)
  call('ZREM', space.shard_expiry, space.path)
  settle_shard(space)
  return false
end

-- Calls visit(space) for those alive among the first `most`, until it returns false. Returns where to
-- go on, as a bound, or ''.
local function each_space(least, greatest, most, visit)
  local next_path = paths_between(least, greatest, most)
  local path, shard = next_path()
  for _ = 1, most do
    if not path then return '' end
    local space = space_of(path, shard)
    local alive = is_alive(space)
    if alive == nil then return '[' .. path end
    if alive and visit(space) == false then return '(' .. path end
    path, shard = next_path()
  end
  return path and '[' .. path or ''
end
