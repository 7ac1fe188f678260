-- needs: names objects expiry thread
--
-- ARGV: 1 stem, 2 "{thread}", 3 the thread's place, 4 how many checkpoints to keep of each
-- namespace, not 0, 5 where to go on.
-- Returns {how many checkpoints are gone, where to go on}.

local keep = tonumber(ARGV[4])
local COUNTERS = 'counters_since_delta_snapshot'

-- {parent, metadata, kinds[channel]: of what is stored}, or nil.
local function read_checkpoint(space, id)
  local head = call('HMGET', space.checkpoint .. escape(id), 'b', 'p', 'm')
  local record = head[1] and call('HGET', space.refs, 'c' .. id)
  if not record then return nil end
  local _, _, _, list = read_record(record)
  local suffixes, fields, kinds = {}, {}, {}
  for suffix in gmatch(list, '[^ ]+') do
    suffixes[#suffixes + 1] = suffix
    fields[#fields + 1] = 'b' .. suffix
  end
  local refs = #fields > 0 and hmget(space.refs, fields) or {}
  for i = 1, #suffixes do
    local _, _, _, kind = unpack_bytes(REF, refs[i] or pack(REF, 0, 0, 0, '.'))
    local channel = sub(suffixes[i], 1, find(suffixes[i], ':', 1, true) - 1)
    if kind ~= '.' and not kinds[channel] then kinds[channel] = kind end
  end
  return {head[2], head[3], kinds}
end

-- The delta channels that a checkpoint has no value of, escaped.
local function delta_channels(checkpoint)
  local channels = {}
  for channel, kind in pairs(checkpoint[3]) do
    if kind == 'd' then channels[channel] = true end
  end
  if find(checkpoint[2], COUNTERS, 1, true) then
    local ok, metadata = pcall(cjson.decode, checkpoint[2])
    local counters = ok and type(metadata) == 'table' and metadata[COUNTERS]
    if type(counters) == 'table' then
      for name in pairs(counters) do
        local channel = type(name) == 'string' and escape(name)
        if channel and checkpoint[3][channel] ~= 's' then channels[channel] = true end
      end
    end
  end
  return channels
end

-- Marks the ancestors that it takes to rebuild what a kept checkpoint has no value of.
local function keep_ancestors(space, id, kept)
  local checkpoint = read_checkpoint(space, id)
  local channels, seen = checkpoint and delta_channels(checkpoint) or {}, {[id] = true}
  while checkpoint and next(channels) do
    local parent = checkpoint[1]
    checkpoint = parent and not seen[parent] and read_checkpoint(space, parent)
    if checkpoint then
      seen[parent] = true
      kept[parent] = true
      for channel in pairs(channels) do
        if checkpoint[3][channel] == 's' then channels[channel] = nil end
      end
    end
  end
end

local kept
local function bound(space)
  local oldest = call('ZREVRANGE', space.index, keep - 1, keep - 1)[1]
  kept = {}
  if oldest and call('HEXISTS', space.refs, 'd') == 1 then
    local newest = call('ZREVRANGE', space.index, 0, keep - 1)
    for i = 1, #newest do keep_ancestors(space, newest[i], kept) end
  end
  return oldest
end

local count = 0
local function visit(space, ids)
  local doomed = {}
  for i = 1, #ids do
    if not kept[ids[i]] then doomed[#doomed + 1] = ids[i] end
  end
  if #doomed > 0 then count = count + drop(space, doomed) end
end
local cursor = walk(spaces_of(ARGV[2], ARGV[3], 1), ARGV[5], visit, settle, bound)
return {count, cursor}
