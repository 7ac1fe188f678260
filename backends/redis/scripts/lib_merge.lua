-- Merging sorted lists. A source is {fill, members, values, next}: fill(source) gives the next members
-- in descending order and what belongs to each, none at the end. A source is asked for more when its
-- last member is taken, and not before.

-- Bytewise; the operator goes by the locale.
local function less(a, b)
  local size = math.min(#a, #b)
  local at = 1
  while at + 5 <= size do
    local x, next_at = struct.unpack('>I6', a, at)
    local y = struct.unpack('>I6', b, at)
    if x ~= y then return x < y end
    at = next_at
  end
  for i = at, size do
    local x, y = string.byte(a, i), string.byte(b, i)
    if x ~= y then return x < y end
  end
  return #a < #b
end

local function head_of(source)
  if source.next > #source.members then
    source.members, source.values = source.fill(source)
    source.next = 1
  end
  return source.members[source.next]
end

-- heap[i] comes before heap[2i] and heap[2i + 1].
local function sift_down(heap, count, i)
  while true do
    local child = 2 * i
    if child > count then return end
    if child < count and less(heap[child].head, heap[child + 1].head) then child = child + 1 end
    if not less(heap[i].head, heap[child].head) then return end
    heap[i], heap[child] = heap[child], heap[i]
    i = child
  end
end

-- Returns a function that gives the greatest member that is left, its value and its source.
local function merge(sources)
  local heap, count = {}, 0
  for i = 1, #sources do
    sources[i].members, sources[i].next = {}, 1
    sources[i].head = head_of(sources[i])
    if sources[i].head then
      count = count + 1
      heap[count] = sources[i]
    end
  end
  for i = math.floor(count / 2), 1, -1 do sift_down(heap, count, i) end
  return function()
    if count == 0 then return nil end
    local first = heap[1]
    local member, value = first.head, first.values[first.next]
    first.next = first.next + 1
    first.head = head_of(first)
    if not first.head then
      heap[1] = heap[count]
      count = count - 1
    end
    sift_down(heap, count, 1)
    return member, value, first
  end
end

-- A page is over when it has so many rows, so many bytes, or was at so many members.
local MOST_ROWS, MOST_BYTES, MOST_MEMBERS = 100, 262144, 500

local function size_of(row)
  local size = #row[2] + #row[3]
  for part = 5, 6 do
    for i = 1, row[part] and #row[part] or 0 do
      size = size + (row[part][i] and #row[part][i] or 0)
    end
  end
  return size
end

-- Takes a page: where_of(member, value, source) gives the space and the id it is of, or nil if it
-- does not matter; lost(space, id, member) is told of what has expired. Returns {cursor, rows}, a row
-- being {thread, ns, row}.
local function take_page(next_member, most, headers_only, where_of, lost)
  local rows, bytes, members, last = {}, 0, 0, ''
  most = math.min(most, MOST_ROWS)
  while true do
    local member, value, source = next_member()
    if not member then return {'', rows} end
    members = members + 1
    local space, id = where_of(member, value, source)
    local head = space and read_head(space, id)
    if head then
      if #rows >= most or bytes > MOST_BYTES then return {last, rows} end
      local row = read_row(space, id, head, headers_only)
      bytes = bytes + size_of(row)
      rows[#rows + 1] = {space.thread.id, space.ns, row}
    elseif space then
      lost(space, id, member)
    end
    last = member
    if members >= MOST_MEMBERS then return {last, rows} end
  end
end
