-- A whole thread, in pieces: what a call does not finish it says where to go on. A cursor is '' at
-- the beginning and at the end; "m" .. where moving goes on, "s" .. where counting goes on.

-- What to call finish.lua with, to go on.
local function go_on(thread, names, how, cursor)
  return {thread.index, thread.all, thread.all_expiry, names, thread.tag, thread.place, how, cursor}
end

local function sweep_from(thread, cursor)
  cursor = sweep(thread, sub(cursor, 2))
  return cursor ~= '' and 's' .. cursor or ''
end

local MOVED = BUDGET / 2 -- what moving one takes is twice what others do

-- Moves every object's expiry. how: 's' to ttl, 'd' the same but for what never expires, 'r' to its
-- own. Returns the cursor.
local function move_thread(thread, how, ttl, cursor)
  if sub(cursor, 1, 1) ~= 's' then
    local from = cursor == '' and '-' or '(' .. sub(cursor, 2)
    local members = call('ZRANGEBYLEX', thread.index, from, '+', 'LIMIT', 0, MOVED)
    local shortened, settled = {}, true
    for i = 1, #members do
      local space, id = place_of(thread, members[i])
      local old = ttl_of(space, id)
      if old and (how == 's' or old > 0) then
        local to = how == 'r' and old or math.max(ttl, 0)
        settled = move(thread, members[i], to, old, shortened) and settled
      end
    end
    rebind_all(shortened)
    if not settled then settle(thread) end
    if #members == MOVED then return 'm' .. members[MOVED] end
  end
  return sweep_from(thread, cursor)
end

-- The first namespace that has checkpoints from `from` on, as for ZRANGEBYLEX; nil: none.
local function next_space(thread, from)
  local member = call('ZRANGEBYLEX', thread.index, from, '(d', 'LIMIT', 0, 1)[1]
  return member and (place_of(thread, member))
end

-- Leaves of a namespace the `keep` newest checkpoints, and what has a greater id than these, as far
-- as one call goes. spare[member] stays. Returns how many checkpoints have gone, and how many members
-- there were to look at, from `above` on, which may be nil; the last of them.
local function keep_newest(space, keep, spare, above, budget)
  local thread = space.thread
  local cut = call('ZREVRANGEBYLEX', thread.index, '(c' .. space.stop, '[c' .. space.start, 'LIMIT',
                   keep - 1, 1)[1]
  if not cut then return 0, 0, nil end
  local count, seen, last = 0, 0, nil
  local kinds = {'c', 'w'}
  for i = 1, 2 do
    local kind = kinds[i]
    local from = above and kind <= sub(above, 1, 1) and '(' .. above or '[' .. kind .. space.start
    if not (above and kind < sub(above, 1, 1)) and seen < budget then
      local members = call('ZRANGEBYLEX', thread.index, from, '(' .. kind .. sub(cut, 2), 'LIMIT', 0,
                           budget - seen)
      local doomed = {}
      for j = 1, #members do
        if not (spare and spare[members[j]]) then doomed[#doomed + 1] = members[j] end
      end
      seen = seen + #members
      last = members[#members] or last
      if #doomed > 0 then count = count + drop(thread, doomed) end
    end
  end
  return count, seen, last
end
