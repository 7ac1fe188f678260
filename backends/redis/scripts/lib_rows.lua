-- Reading. A row is {id, body, metadata, parent or nil, values in the order of channel_versions or
-- nil, fields and values of pending writes}, and with headers only its first four.

local function read_head(space, id)
  local head = call('HMGET', space.checkpoint .. escape(id), 'b', 'm', 'p')
  return head[1] and head
end

-- Down to the first that has not expired. What is met on the way is dropped.
local function read_latest(space)
  local dead = {}
  local first, count = 0, 1
  repeat
    local ids = call('ZREVRANGE', space.index, first, first + count - 1)
    for i = 1, #ids do
      local head = read_head(space, ids[i])
      if head then
        if #dead > 0 then
          drop(space, dead)
          settle(space)
        end
        return ids[i], head
      end
      dead[#dead + 1] = ids[i]
    end
    first, count = first + count, 64
  until #ids == 0
  if #dead > 0 then
    drop(space, dead)
    settle(space)
  end
end

local function read_values(space, id)
  local record = call('HGET', space.refs, 'c' .. id)
  if not record then return {} end
  local keys, count = {}, 0
  local _, _, _, list = read_record(record)
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

local function read_row(space, id, head, headers_only)
  if headers_only then return {id, head[1], head[2], head[3]} end
  return {id, head[1], head[2], head[3], read_values(space, id),
          call('HGETALL', space.write .. escape(id))}
end
