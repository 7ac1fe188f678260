-- What is in the place of a copy becomes one: without groups, with a TTL of its own, and told to who
-- follows. Returns how many events there are in it.
local function settle_copy(target, ttl)
  for _, group in ipairs(groups_of(target)) do
    call('XGROUP', 'DESTROY', target.key, group)
    call('HDEL', target.more, 'g' .. group)
  end
  touch(target, ttl)
  local last, packed = last_of(target)
  if last and ends(packed) then seal(target, ttl) end
  if last then publish(target, false, number_of(last), {packed}) end
  return call('XLEN', target.key)
end
