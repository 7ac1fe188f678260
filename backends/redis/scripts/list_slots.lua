-- needs: names merge
--
-- The greatest members of the lists of all checkpoints of some slots. KEYS: none, or the list of one slot.
-- ARGV: 1 what the keys of the lists begin with, 2 hash tags of the slots, of four bytes each, 3 and 4
-- the least and greatest member as for ZRANGEBYLEX, 5 how many.
-- Returns {{which of the slots, from 0 on, are not here}, members in descending order}.

local least, most = ARGV[3], tonumber(ARGV[5])
local elsewhere = {}

-- What is asked for again is asked for at length.
local function fill(source)
  local members = redis.pcall('ZREVRANGEBYLEX', source.key, source.below, least, 'LIMIT', 0, source.batch)
  if members.err then
    if KEYS[1] then error(members.err, 0) end
    elsewhere[#elsewhere + 1] = source.slot
    return {}, {}
  end
  source.below = members[source.batch] and '(' .. members[source.batch] or '('
  source.batch = math.min(4 * source.batch, most + 1)
  return members, members
end

local sources = {}
if KEYS[1] then
  sources[1] = {key = KEYS[1], below = ARGV[4], batch = most, fill = fill}
else
  for slot = 0, #ARGV[2] / 4 - 1 do
    local tag = sub(ARGV[2], 4 * slot + 1, 4 * slot + 4)
    local key = ARGV[1] .. '{' .. tag .. '}'
    if redis.pcall('EXISTS', key) ~= 0 then -- most slots have nothing, and this is what costs least
      sources[#sources + 1] = {key = key, slot = slot, below = ARGV[4], batch = 1, fill = fill}
    end
  end
end
local members = {}
local next_member = merge(sources)
while #members < most do
  local member = next_member()
  if not member then break end
  members[#members + 1] = member
end
return {elsewhere, members}
