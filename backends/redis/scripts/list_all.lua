-- needs: names objects expiry thread rows merge
--
-- A page of all threads. KEYS: of every shard its two. ARGV: 1 stem, 2 "=" .. the end of the place of
-- a namespace or "" for all, 3 and 4 the least and greatest member as for ZRANGEBYLEX, 5 how many,
-- 6 flags (h: headers only).
-- Returns {cursor, rows} (lib_merge.lua).

local wanted = ARGV[2] ~= '' and '\255\255' .. sub(ARGV[2], 2)
local least, most = ARGV[3], tonumber(ARGV[5])

local batch = math.max(4, math.ceil(most * 3 / #KEYS))
local function fill(source)
  local members = call('ZREVRANGEBYLEX', source.key, source.below, least, 'LIMIT', 0, batch)
  source.below = #members > 0 and '(' .. members[#members] or '('
  return members, members
end

local function decode(encoded)
  return (gsub(encoded, '%z\255', '\0'))
end

local spaces = {} -- by place
local function space_at(place, source)
  if not spaces[place] then
    local plain = invert(place)
    local last = select(2, find(plain, '\0\0', 1, true))
    local thread, ns = decode(sub(plain, 1, last - 2)), decode(sub(plain, last + 1, -3))
    local space = make_space('{' .. escape(thread) .. '}:' .. escape(ns), ns, place, nil, source.key,
                             source.expiry_key)
    space.thread_id = thread
    spaces[place] = space
  end
  return spaces[place]
end

local function place_of(member, _, source)
  if wanted and sub(member, -#wanted) ~= wanted then return nil end
  local last = select(2, find(member, '\0\0', 1, true))
  return space_at(sub(member, last + 1), source), decode(sub(member, 1, last - 2))
end

local dead = {}
local function lost(space, _, member)
  dead[#dead + 1] = {space, member}
end

local sources = {}
for i = 1, #KEYS, 2 do
  sources[#sources + 1] = {key = KEYS[i], expiry_key = KEYS[i + 1], below = ARGV[4], fill = fill}
end
local page = take_page(merge(sources), most, find(ARGV[6], 'h', 1, true), place_of, lost)
for i = 1, #dead do
  call('ZREM', dead[i][1].all, dead[i][2])
  call('ZREM', dead[i][1].all_expiry, dead[i][2])
end
return page
