-- needs: names expiry blobs objects rows
--
-- The latest of a namespace, if it is not what the caller believes, whose parts it asks for itself in
-- this transaction. KEYS: 1 the thread. ARGV: 1 the member that is believed to be the latest; the rest
-- is found from these two, as an argument costs more than all of this.
-- Returns 1 if the caller is right, or as get.lua does.

if redis.call('ZREVRANGEBYLEX', KEYS[1], '(d', '-', 'LIMIT', 0, 1)[1] == ARGV[1] then return 1 end
--LIBRARIES--
local prefix, tag = string.match(KEYS[1], '^(.*)thread:({.*})$')
local thread = make_thread(prefix .. 'checkpoint ' .. prefix .. 'thread', tag)
local space, believed = place_of(thread, ARGV[1])
local id, head, more = read_latest(space)
if more then return 'more' end
if not head then return false end
if id == believed then return 1 end
if is_large(space, head[1]) then return {id, head[1]} end
return read_row(space, id, head)
