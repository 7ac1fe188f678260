-- needs: stream group
--
-- KEYS: 1 the stream, 2 what goes with it. ARGV: 1 its channel, 2 the group, 3 ... positions, and behind them
-- a cursor that says nothing, or l: these are dead letters that have been taken away. Returns
-- {how many were held, ''}; -1: there is no such group.

local stream, group, last = make_stream(KEYS[1], ARGV[1]), ARGV[2], #ARGV - 1
if not has_group(stream, group) then return {-1, ''} end
local first, more = forget_trimmed(stream, group)
local held, gone = {}, {}
local in_cluster = byte(stream.channel, #QUEUE + 2) == 123
local graves = in_cluster and ARGV[last + 1] ~= 'l' and options_of(stream, group).away
for i = 3, last do
  local at = graves and held_of(stream, group, ARGV[i])
  if not at or at[2] ~= GRAVE then
    local list = more and is_before(ARGV[i], first) and gone or held
    list[#list + 1] = ARGV[i]
  end
end
if #gone > 0 then call('XACK', stream.key, group, unpack(gone)) end
local count = #held > 0 and call('XACK', stream.key, group, unpack(held)) or 0
call('ZREM', stream.naks .. group, unpack(ARGV, 3, last))
return {count, ''}
