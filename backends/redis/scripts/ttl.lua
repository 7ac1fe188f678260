-- needs: names expiry blobs objects thread rows
--
-- KEYS: 1 the thread. ARGV: 1 names, 2 tag, 3 the thread's place, 4 the beginning of the namespace,
-- 5 "=" .. id, or "" for the latest, or "*" for the thread.
-- Returns what there is left in ms, -1 for ever, -2 if there is no such thing; 'more': it is to be
-- called again.

local thread = make_thread(ARGV[1], ARGV[2], ARGV[3])
purge(thread)
if ARGV[5] ~= '*' then
  local space = space_of(thread, ARGV[4])
  local id, head, more = sub(ARGV[5], 2), nil, nil
  if ARGV[5] == '' then id, head, more = read_latest(space) end
  if more then return 'more' end
  return id and call('PTTL', space.checkpoint .. escape(id)) or -2
end
if not is_there(thread) then return -2 end
if call('ZCARD', thread.expiry) < call('ZCARD', thread.index) then return -1 end
return math.max(last_of(thread.expiry) - now(), 1)
