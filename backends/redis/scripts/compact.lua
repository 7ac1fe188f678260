-- Leaves of pending writes those that count. KEYS: 1 the writes. They begin with their index in four
-- bytes, least significant first, then, in four each, the sizes of the task's id and of three other
-- parts, then the task's id. Of an index below 0 the last one counts, of others the first.

local key = KEYS[1]
local all = redis.call('LRANGE', key, 0, -1)
local kept, place = {}, {}
for i = 2, #all do
  local write = all[i]
  if #write >= 20 then
    local size = struct.unpack('<I4', write, 5)
    local name = string.sub(write, 1, 4) .. string.sub(write, 21, 20 + size)
    if not place[name] then
      kept[#kept + 1] = write
      place[name] = #kept
    elseif struct.unpack('<i4', write) < 0 then
      kept[place[name]] = write
    end
  end
end
if #kept < #all - 1 then
  redis.call('LTRIM', key, 0, 0)
  for first = 1, #kept, 1000 do
    redis.call('RPUSH', key, unpack(kept, first, math.min(first + 999, #kept)))
  end
end
return #kept
