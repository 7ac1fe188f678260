-- needs: stream group
--
-- KEYS: 1 the stream, 2 what goes with it. ARGV: 1 its channel, 2 the group. Returns nothing: there is no such
-- group; {waiting, held, members, the last position delivered}; or 0: ask again.

local stream, group = make_stream(KEYS[1], ARGV[1]), ARGV[2]
if not has_group(stream, group) then return false end
local _, more = forget_trimmed(stream, group)
if more then return 0 end
local facts = {}
for _, found in ipairs(call('XINFO', 'GROUPS', stream.key)) do
  for i = 1, found[2] == group and #found or 0, 2 do facts[found[i]] = found[i + 1] end
end
local delivered, last = facts['last-delivered-id'], last_of(stream)
local waiting = 0
if last and is_before(delivered, last) then
  local number = sub(delivered, 1, 2) == '1-' and number_of(delivered) or 0
  waiting = math.min(number_of(last) - number, call('XLEN', stream.key))
end
local nobodies = options_of(stream, group).away and 2 or 1
return {waiting, facts.pending, facts.consumers - nobodies, delivered}
