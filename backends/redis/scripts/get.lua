-- needs: names expiry blobs objects thread rows
--
-- KEYS: 1 the thread; where the TTL is put back 2 its shard, 3 the shard's expiry.
-- ARGV: 1 lines, as an argument costs more than its bytes: flags (h: headers only, r: put the TTL back,
-- t: that of the whole thread, i: a given id is wanted); what the keys of its checkpoint, blobs and
-- writes begin with; names; tag; the sizes of the first two of these: the thread's place, the id, and
-- what the thread's members of the namespace are below, as for ZRANGEBYLEX.
-- Returns nothing, a row (lib_rows.lua), {id, suffixes} if that would be
-- large: then the caller reads its parts itself; or what to go on with before it can be read
-- (finish.lua); or 'more': it is to be called again.

-- As a rule it goes without the libraries: to make their functions costs more than all of this.
local call = redis.call
local flags, checkpoint, blob, write, names, tag, place, id_size, rest = string.match(ARGV[1],
  '^(%a*)\n([^\n]*)\n([^\n]*)\n([^\n]*)\n([^\n]*)\n([^\n]*)\n(%d+) (%d+)\n(.*)$')
local asked = string.sub(rest, place + 1, place + id_size)
local below = string.sub(rest, place + id_size + 1)
place = string.sub(rest, 1, place)
if flags == '' or flags == 'i' or flags == 'h' then
  local id = asked
  if flags ~= 'i' then
    local member = call('ZREVRANGEBYLEX', KEYS[1], below, '-', 'LIMIT', 0, 1)[1]
    if not member then return false end
    -- The bound is "(c", then the encoded namespace with 1 for its last byte.
    local size = #below - 1
    if string.sub(member, 1, size - 1) ~= string.sub(below, 2, -2) then return false end
    id = string.sub(member, size + 1)
  end
  if not string.find(id, '[^A-Za-z0-9_.-]') and id ~= '' then
    local head = call('HMGET', checkpoint .. id, 'l', 'b', 'm', 'p')
    if head[1] and head[2] then
      if flags == 'h' then return {id, head[2], head[3], head[4]} end
      local keys, count = {}, 0
      for suffix in string.gmatch(head[1], '[^ ]+') do
        count = count + 1
        keys[count] = blob .. suffix
      end
      local size = 0
      for i = 1, count do size = size + call('STRLEN', keys[i]) end
      if size > 262144 then return {id, head[1]} end
      if count <= 1000 then
        return {id, head[2], head[3], head[4], count > 0 and call('MGET', unpack(keys)) or {},
                call('LRANGE', write .. id, 0, -1)}
      end
    end
  end
end
--LIBRARIES--
local thread = make_thread(names, tag, place, KEYS[2], KEYS[3])
local space = space_of(thread, sub(below, 3, -2) .. '\0')
local id, head, more
if find(flags, 'i', 1, true) then
  id = asked
  head = read_head(space, id)
else
  id, head, more = read_latest(space)
  if more then return 'more' end
end
if not head then return false end
if find(flags, 't', 1, true) then
  local cursor = move_thread(thread, 'r', 0, '')
  if cursor ~= '' then return go_on(thread, names, 'r', cursor) end
elseif find(flags, 'r', 1, true) then
  local ttl = ttl_of(space, id) or 0
  if ttl > 0 then move(thread, 'c' .. space.start .. id, ttl, ttl, {}) end
end
if not find(flags, 'h', 1, true) and is_large(space, head[1]) then return {id, head[1]} end
return read_row(space, id, head, find(flags, 'h', 1, true))
