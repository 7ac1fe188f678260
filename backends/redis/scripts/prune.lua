-- needs: names expiry blobs objects thread
--
-- KEYS: 1 the thread, 2 its shard, 3 the shard's expiry. ARGV: 1 names, 2 tag, 3 the thread's place,
-- 4 how many checkpoints to keep of each namespace, not 0, 5 where to go on: m .. the last member
-- that was looked at, n .. the namespace that was, p: at the beginning still, s: only counting is left.
-- Returns {how many checkpoints are gone, where to go on}.

local thread = make_thread(ARGV[1], ARGV[2], ARGV[3], KEYS[2], KEYS[3])
local keep, cursor = tonumber(ARGV[4]), ARGV[5]
local COUNTERS = 'counters_since_delta_snapshot'

local kinds = {} -- by blob: v, e, d, or ''
local function kind_of(blob)
  if not kinds[blob] then kinds[blob] = call('GETRANGE', blob, 0, 0) end
  return kinds[blob]
end

-- {parent, metadata, kinds[channel]: of what is stored}, or nil.
local function read_checkpoint(space, id)
  local head = call('HMGET', space.checkpoint .. escape(id), 'l', 'p', 'm')
  if not head[1] then return nil end
  local stored = {}
  for suffix in gmatch(head[1], '[^ ]+') do
    local channel = sub(suffix, 1, find(suffix, ':', 1, true) - 1)
    local kind = kind_of(space.blob .. suffix)
    if kind ~= '' and not stored[channel] then stored[channel] = kind end
  end
  return {head[2], head[3] or '', stored}
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
        if channel and checkpoint[3][channel] ~= 'v' then channels[channel] = true end
      end
    end
  end
  return channels
end

-- Marks the ancestors that it takes to rebuild what a kept checkpoint has no value of.
local function spare_ancestors(space, id, spare)
  local checkpoint = read_checkpoint(space, id)
  local channels, seen = checkpoint and delta_channels(checkpoint) or {}, {[id] = true}
  while checkpoint and next(channels) do
    local parent = checkpoint[1]
    checkpoint = parent and not seen[parent] and read_checkpoint(space, parent)
    if checkpoint then
      seen[parent] = true
      spare['c' .. space.start .. parent] = true
      for channel in pairs(channels) do
        if checkpoint[3][channel] == 'v' then channels[channel] = nil end
      end
    end
  end
end

local has_delta = call('EXISTS', thread.delta) == 1
local function to_spare(space)
  if not has_delta then return nil end
  local spare = {}
  local newest = call('ZREVRANGEBYLEX', thread.index, '(c' .. space.stop, '[c' .. space.start, 'LIMIT',
                      0, keep)
  for i = 1, #newest do spare_ancestors(space, sub(newest[i], 2 + #space.start), spare) end
  return spare
end

if sub(cursor, 1, 1) == 's' then return {0, sweep_from(thread, cursor)} end
if purge(thread) then return {0, cursor ~= '' and cursor or 'p'} end
local space, above
if sub(cursor, 1, 1) == 'm' then
  above = sub(cursor, 2)
  space = place_of(thread, above)
else
  local done = sub(cursor, 1, 1) == 'n' and space_of(thread, sub(cursor, 2)).stop or ''
  space = next_space(thread, '[c' .. done)
end
local budget, count = BUDGET, 0
while space do
  local gone, seen, last = keep_newest(space, keep, to_spare(space), above, budget)
  count = count + gone
  if seen == budget or budget - seen <= 1 then
    settle(thread)
    return {count, seen == budget and 'm' .. last or 'n' .. space.start}
  end
  budget, above = budget - seen - 1, nil
  space = next_space(thread, '[c' .. space.stop)
end
settle(thread)
return {count, sweep_from(thread, 's')}
