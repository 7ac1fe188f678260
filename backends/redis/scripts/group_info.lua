-- needs: stream group
--
-- KEYS: 1 the stream. ARGV: 1 its channel, 2 the group. Returns nothing: there is no such group; or
-- {waiting, held, members, the last position delivered}.

local stream, group = make_stream(KEYS[1], ARGV[1]), ARGV[2]
if not has_group(stream, group) then return false end
forget_trimmed(stream, group)
local found
for _, facts in ipairs(call('XINFO', 'GROUPS', stream.key)) do
  if facts[2] == group then found = facts end
end
local held, delivered, lag
for i = 1, #found, 2 do
  if found[i] == 'pending' then held = found[i + 1] end
  if found[i] == 'last-delivered-id' then delivered = found[i + 1] end
  if found[i] == 'lag' then lag = found[i + 1] end
end
local waiting = lag and math.min(lag, call('XLEN', stream.key))
if not waiting then
  local from = delivered
  waiting = 0
  repeat
    local page = call('XRANGE', stream.key, '(' .. from, '+', 'COUNT', 500)
    waiting = waiting + #page
    if #page > 0 then from = page[#page][1] end
  until #page < 500
end
local members = 0
for _, consumer in ipairs(call('XINFO', 'CONSUMERS', stream.key, group)) do
  if sub(consumer[2], 1, 1) == 'm' then members = members + 1 end
end
return {waiting, held, members, delivered}
