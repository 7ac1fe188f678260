-- All namespaces of a thread, in pieces: what a call does not finish it says where to go on.

local BUDGET = 200 -- objects a call

local inverted
local function invert(bytes)
  if not inverted then
    inverted = {}
    for i = 0, 255 do inverted[string.char(i)] = string.char(255 - i) end
  end
  return (gsub(bytes, '.', inverted))
end

-- Bytewise; the operator goes by the locale.
local function less(a, b)
  local size = math.min(#a, #b)
  local at = 1
  while at + 5 <= size do
    local x, next_at = unpack_bytes('>I6', a, at)
    local y = unpack_bytes('>I6', b, at)
    if x ~= y then return x < y end
    at = next_at
  end
  for i = at, size do
    local x, y = string.byte(a, i), string.byte(b, i)
    if x ~= y then return x < y end
  end
  return #a < #b
end

-- Of a place of the thread, and of a tag, only what is the thread's.
local function place_of_thread(place)
  return sub(place, 1, select(2, find(place, '\255\255', 1, true)))
end

local function tag_of_thread(tag)
  return sub(tag, 1, (find(tag, '}', 1, true)))
end

local function space_of(tag, place, ns, thread_key, all_key, all_expiry_key)
  return make_space(tag .. ':' .. escape(ns), ns, place .. invert(encode(ns)), thread_key, all_key,
                    all_expiry_key)
end

-- tag and place: the thread's; its keys are KEYS[first] and the two behind. In the order of
-- namespaces. What has expired is dropped first.
local function spaces_of(tag, place, first)
  local names, spaces = call('ZRANGE', KEYS[first], 0, -1), {}
  table.sort(names, less)
  for i = 1, #names do
    local space = space_of(tag, place, names[i], KEYS[first], KEYS[first + 1], KEYS[first + 2])
    if purge(space) then settle(space) end
    spaces[i] = space
  end
  return spaces
end

-- Visits what is behind `cursor` ('': all): visit(space, ids) for objects, done(space) once for each
-- space visited. bound(space), if there is one, is the id to stop before, or nil to leave the space
-- out. Returns '', or the cursor to go on from.
local function walk(spaces, cursor, visit, done, bound)
  local budget = BUDGET
  local from_ns, from_list, from_id
  if cursor ~= '' then
    local size, at
    from_list, size, at = unpack_bytes('<BI4', cursor)
    from_ns = sub(cursor, at, at + size - 1)
    from_id = sub(cursor, at + size)
  end
  for i = 1, #spaces do
    local space = spaces[i]
    local resumed = from_ns == space.ns
    local high = '+'
    if bound then
      high = bound(space)
      high = high and '(' .. high
    end
    if high and (not from_ns or resumed or less(from_ns, space.ns)) then
      for list = resumed and from_list or 1, 2 do
        local low = resumed and list == from_list and '(' .. from_id or '-'
        local ids = call('ZRANGEBYLEX', list == 1 and space.index or space.lone, low, high, 'LIMIT',
                         0, budget)
        if #ids > 0 then visit(space, ids) end
        budget = budget - #ids
        if budget <= 0 then
          done(space)
          return pack('<BI4', list, #space.ns) .. space.ns .. ids[#ids]
        end
      end
      done(space)
    end
  end
  return ''
end

-- Moves every object's expiry. how: 'set' to ttl, 'default' the same but for what never expires,
-- 'refresh' to its own. tag and place may be those of a space. Returns where to go on, or '', and
-- whether there is a thread.
local function move_thread(tag, place, cursor, how, ttl)
  local latest, pinned
  local function visit(space, ids)
    local fields = {}
    for i = 1, #ids do fields[i] = 'c' .. ids[i] end
    local records = hmget(space.refs, fields)
    for i = 1, #ids do
      local own = records[i] and read_record(records[i])
      if own and (how == 'set' or own > 0) then
        local at = move(space, ids[i], records[i], how == 'refresh' and own or math.max(ttl, 0), true)
        if not at then
          pinned = true
        elseif not latest or at > latest then
          latest = at
        end
      end
    end
  end
  local function done(space)
    local lives_until = tonumber(call('HGET', space.refs, 'x') or 0)
    if pinned then
      cover(space, lives_until, nil)
    elseif latest then
      cover(space, lives_until, latest)
      if how ~= 'refresh' then
        tighten(space, true)
        settle(space)
      end
    end
    latest, pinned = nil, false
  end
  local spaces = spaces_of(tag_of_thread(tag), place_of_thread(place), 1)
  return walk(spaces, cursor, visit, done), #spaces > 0
end
