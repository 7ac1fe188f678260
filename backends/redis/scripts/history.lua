-- needs: names expiry blobs objects thread rows
--
-- KEYS: 1 the thread. ARGV: 1 names, 2 tag, 3 the thread's place, 4 the beginning of the namespace,
-- 5 "=" .. id or "" for the latest, then channels, escaped.
-- Returns {{how much of the path is the channel's, its seed or nil} for each channel, {pending writes
-- of an ancestor} for each of the path, from the parent on}; or 'more': it is to be called again.

local space = space_of(make_thread(ARGV[1], ARGV[2], ARGV[3]), ARGV[4])
local id, head, more
if ARGV[5] ~= '' then
  id = sub(ARGV[5], 2)
  head = read_head(space, id)
else
  id, head, more = read_latest(space)
  if more then return 'more' end
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
    if value and sub(value, 1, 1) == 'v' then return value end
    at = first + 1
  end
end

local seen = {[id or ''] = true}
local parent = head and head[4]
while parent and unresolved > 0 and not seen[parent] do
  seen[parent] = true
  local next_head = read_head(space, parent)
  if not next_head then break end
  path[#path + 1] = call('LRANGE', space.write .. escape(parent), 0, -1)
  local list_of = ' ' .. next_head[1]
  for i = 1, #channels do
    local channel = channels[i]
    if not channel[2] then
      channel[1] = #path
      channel[2] = find_seed(list_of, ARGV[5 + i])
      if channel[2] then unresolved = unresolved - 1 end
    end
  end
  parent = next_head[4]
end
return {channels, path}
