-- needs: stream group
--
-- KEYS: 1 the stream, 2 what goes with it. ARGV: 1 its channel, 2 the group, 3 from: n(ew), a(ll), p: behind
-- a position, l: the last, 4 that position, or how many, 5 how it is made, 6 the TTL of a stream that is not
-- there. Returns 1, or 0: it is there.

local stream, group, from = make_stream(KEYS[1], ARGV[1]), ARGV[2], ARGV[3]
local is_there = call('EXISTS', stream.key) == 1
local last = last_of(stream)
local start = last or '0'
if from == 'a' or (from == 'l' and tonumber(ARGV[4]) >= call('XLEN', stream.key)) then
  start = '0'
elseif from == 'p' and last and is_before(ARGV[4], last) then
  start = ARGV[4]
elseif from == 'l' then
  start = position_at(number_of(last) - ARGV[4])
end
local made = pcall_('XGROUP', 'CREATE', stream.key, group, start, 'MKSTREAM')
if type(made) == 'table' and made.err then
  if string.find(made.err, 'BUSYGROUP', 1, true) then return 0 end
  return redis.error_reply(made.err)
end
call('XGROUP', 'CREATECONSUMER', stream.key, group, NOBODY)
call('HSET', stream.more, 'g' .. group, ARGV[5])
if options_of(stream, group).away then call('XGROUP', 'CREATECONSUMER', stream.key, group, GRAVE) end
if is_there then
  touch_as_it_is(stream)
else
  touch(stream, ARGV[6])
end
return 1
