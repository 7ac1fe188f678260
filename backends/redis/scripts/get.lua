-- needs: names objects expiry thread rows
--
-- ARGV: 1 stem, 2 "{thread}:ns", 3 ns, 4 place, 5 "=" .. id or "" for the latest, 6 flags (h: headers
-- only, r: put the TTL back, t: that of the whole thread), 7 the thread, 8 where to go on moving it.
-- Returns nothing, {thread, ns, row} (lib_rows.lua), or where to go on.

local space = make_space(ARGV[2], ARGV[3], ARGV[4], KEYS[1], KEYS[2], KEYS[3])
local flags = ARGV[6]
local id, head
if ARGV[5] ~= '' then
  id = sub(ARGV[5], 2)
  head = read_head(space, id)
else
  id, head = read_latest(space)
end
if not head then return false end
if find(flags, 'r', 1, true) then
  if find(flags, 't', 1, true) then
    local cursor = move_thread(ARGV[2], ARGV[4], ARGV[8], 'refresh', 0)
    if cursor ~= '' then return cursor end
  else
    local there = call('HMGET', space.refs, 'c' .. id, 'x')
    local ttl = there[1] and read_record(there[1]) or 0
    if ttl > 0 then cover(space, tonumber(there[2] or 0), move(space, id, there[1], ttl)) end
  end
end
return {ARGV[7], ARGV[3], read_row(space, id, head, find(flags, 'h', 1, true))}
