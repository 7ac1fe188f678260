-- Reading. A row is {id, body, metadata, parent or nil, values in the order of channel_versions or
-- nil, list of writes}, and with headers only its first four. What a string costs that goes through
-- Lua counts with its length: so values are asked for by commands of their own where the keys are
-- known beforehand (get), and pages are short.

-- {list, body, metadata, parent}, or nil.
local function read_head(space, id)
  local head = call('HMGET', space.checkpoint .. escape(id), 'l', 'b', 'm', 'p')
  return head[1] and head[2] and head
end

local MOST_MET = 512 -- of those that have expired

-- Down to the first that has not expired. What is met on the way is forgotten. Returns its id and its
-- head; or nothing; or nil, nil and true if there may be one further down: then it is to be called
-- again.
local function read_latest(space)
  local thread = space.thread
  local dead = {}
  local first, count = 0, 1
  local found, found_head
  repeat
    local members = call('ZREVRANGEBYLEX', thread.index, '(c' .. space.stop, '[c' .. space.start,
                         'LIMIT', first, count)
    for i = 1, #members do
      local id = sub(members[i], 2 + #space.start)
      local head = read_head(space, id)
      if head then
        found, found_head = id, head
        break
      end
      dead[#dead + 1] = members[i]
    end
    first, count = first + count, 64
  until found or #members == 0 or first > MOST_MET
  if #dead > 0 then
    unlist(thread, dead)
    if call('EXISTS', thread.index) == 0 then call('UNLINK', thread.expiry, thread.delta) end
  end
  return found, found_head, not found and first > MOST_MET
end

local function read_values(space, list)
  local keys, count = {}, 0
  for suffix in gmatch(list, '[^ ]+') do
    count = count + 1
    keys[count] = space.blob .. suffix
  end
  if count == 0 then return {} end
  if count <= MOST then return call('MGET', unpack(keys)) end
  local values = {}
  for first = 1, count, MOST do
    local some = call('MGET', unpack(keys, first, math.min(first + MOST - 1, count)))
    for i = 1, #some do values[first + i - 1] = some[i] end
  end
  return values
end

local function is_large(space, list)
  local size = 0
  for suffix in gmatch(list, '[^ ]+') do size = size + call('STRLEN', space.blob .. suffix) end
  return size > 262144
end

local function read_row(space, id, head, headers_only)
  if headers_only then return {id, head[2], head[3], head[4]} end
  return {id, head[2], head[3], head[4], read_values(space, head[1]),
          call('LRANGE', space.write .. escape(id), 0, -1)}
end
