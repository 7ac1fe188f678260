-- needs: names expiry blobs objects thread rows merge
--
-- A page of all threads. KEYS: of every shard its two. ARGV: 1 names, 2 "=" .. the end of the place of
-- a namespace or "" for all, 3 and 4 the least and greatest member as for ZRANGEBYLEX, 5 how many,
-- 6 flags (h: headers only).
-- Returns {cursor, rows} (lib_merge.lua).

local wanted = ARGV[2] ~= '' and '\255\255' .. sub(ARGV[2], 2)
local least, most = ARGV[3], tonumber(ARGV[5])

local batch = math.max(4, math.ceil(math.min(most, MOST_ROWS) * 3 / #KEYS))
local function fill(source)
  local members = call('ZREVRANGEBYLEX', source.key, source.below, least, 'LIMIT', 0, batch)
  source.below = #members > 0 and '(' .. members[#members] or '('
  return members, members
end

local threads = {} -- by place
local function where_of(member, _, source)
  if wanted and sub(member, -#wanted) ~= wanted then return nil end
  local id, last = take(member, 1)
  local plain_place = invert(sub(member, last + 1))
  local thread_id, thread_end = take(plain_place, 1)
  local thread = threads[thread_id]
  if not thread then
    thread = make_thread(ARGV[1], '{' .. escape(thread_id) .. '}',
                         sub(member, last + 1, last + thread_end), source.key, source.expiry_key)
    thread.id = thread_id
    threads[thread_id] = thread
  end
  return space_of(thread, sub(plain_place, thread_end + 1)), id
end

local dead = {}
local function lost(space, _, member)
  dead[#dead + 1] = {space.thread, member}
end

local sources = {}
for i = 1, #KEYS, 2 do
  sources[#sources + 1] = {key = KEYS[i], expiry_key = KEYS[i + 1], below = ARGV[4], fill = fill}
end
local page = take_page(merge(sources), most, find(ARGV[6], 'h', 1, true), where_of, lost)
for i = 1, #dead do
  call('ZREM', dead[i][1].all, dead[i][2])
  call('ZREM', dead[i][1].all_expiry, dead[i][2])
end
return page
