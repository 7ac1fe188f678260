-- needs: names objects expiry thread rows
--
-- ARGV: 1 stem, 2 "{thread}:ns", 3 ns, 4 place, 5 "=" .. id, or "" for the latest, or "*" for the
-- thread.
-- Returns what there is left in ms, -1 for ever, -2 if there is no such thing.

if ARGV[5] ~= '*' then
  local space = make_space(ARGV[2], ARGV[3], ARGV[4], KEYS[1], KEYS[2], KEYS[3])
  local id = ARGV[5] ~= '' and sub(ARGV[5], 2) or read_latest(space)
  return id and call('PTTL', space.checkpoint .. escape(id)) or -2
end
local spaces = spaces_of(tag_of_thread(ARGV[2]), place_of_thread(ARGV[4]), 1)
local left = -2
for i = 1, #spaces do
  local space = spaces[i]
  local objects = call('ZCARD', space.index) + call('ZCARD', space.lone)
  if objects > 0 then
    if call('ZCARD', space.expiry) < objects then return -1 end
    local last = tonumber(call('ZREVRANGE', space.expiry, 0, 0, 'WITHSCORES')[2])
    left = math.max(left, last - now())
  end
end
return left
