-- needs: names objects expiry rows
--
-- ARGV: 1 stem, 2 "{thread}:ns", 3 ns, 4 place, 5 "=" .. id or "" for the latest, then channels,
-- escaped.
-- Returns {{how much of the path is the channel's, its seed or nil} for each channel, {pending writes
-- of an ancestor} for each of the path, from the parent on}.

local space = make_space(ARGV[2], ARGV[3], ARGV[4], KEYS[1], KEYS[2], KEYS[3])
local id, head
if ARGV[5] ~= '' then
  id = sub(ARGV[5], 2)
  head = read_head(space, id)
else
  id, head = read_latest(space)
end

local channels, path = {}, {}
for i = 6, #ARGV do channels[i - 5] = {0, false} end
local unresolved = #channels

local function find_seed(list, channel)
  local at = 1
  local name = ' ' .. channel .. ':'
  while true do
    local first = find(list, name, at, true)
    if not first then return false end
    local suffix = gmatch(sub(list, first + 1), '[^ ]+')()
    local value = call('GET', space.blob .. suffix)
    if value then return value end
    at = first + 1
  end
end

local seen = {[id or ''] = true}
local parent = head and head[3]
while parent and unresolved > 0 and not seen[parent] do
  seen[parent] = true
  local key = space.checkpoint .. escape(parent)
  local record = call('EXISTS', key) == 1 and call('HGET', space.refs, 'c' .. parent)
  if not record then break end
  path[#path + 1] = call('HGETALL', space.write .. escape(parent))
  local list = ' ' .. select(4, read_record(record))
  for i = 1, #channels do
    local channel = channels[i]
    if not channel[2] then
      channel[1] = #path
      channel[2] = find_seed(list, ARGV[5 + i])
      if channel[2] then unresolved = unresolved - 1 end
    end
  end
  parent = call('HGET', key, 'p')
end
return {channels, path}
