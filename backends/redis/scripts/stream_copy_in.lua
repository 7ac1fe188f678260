-- needs: stream stream_copy
--
-- Makes what stream_copy_out.lua says, where nobody sees it, and then the target of it, in one step. KEYS: 1 the
-- target, 2 what goes with it. ARGV: 1 its channel, 2 the number of what is made, or 0: there is nothing yet, 3 the
-- position that it must end with; 0-0: it begins, or begins anew, 4 the TTL of the target in ms or -1, or
-- nothing: there is more to come, 5 ... position, field and event of each.
-- Returns {how many events there are, its number}; {-1, 0}: the target is there; {-2, 0}: what was made is lost.
--
-- It is langgraph:queue_copy:{target}:number, and with queue_copy_more what goes with it; whoever does not
-- come back leaves them to expire.

local UNSEEN_MS = 60000 -- from one call to the next
local stream, number, last = make_stream(KEYS[1], ARGV[1]), tonumber(ARGV[2]), ARGV[3]
local function name_of(kind)
  return QUEUE .. kind .. sub(stream.key, #QUEUE + 1) .. format(':%.0f', number)
end
local copy
local function call_it()
  copy = {key = name_of('_copy'), more = name_of('_copy_more')}
end

call_it()
if call('EXISTS', stream.key) == 1 then
  call('UNLINK', copy.key, copy.more)
  return {-1, 0}
end
if number == 0 then
  local time = call('TIME')
  number = time[1] * 1000000 + time[2]
  call_it()
  while call('EXISTS', copy.key) == 1 do
    number = number + 1
    call_it()
  end
elseif last == '0-0' then
  call('UNLINK', copy.key, copy.more)
elseif last_of(copy) ~= last then
  call('UNLINK', copy.key, copy.more)
  return {-2, 0}
end

if last == '0-0' then -- so that it is there, even of a stream of which there are but groups
  call('XGROUP', 'CREATE', copy.key, 'none', '0', 'MKSTREAM')
  call('XGROUP', 'DESTROY', copy.key, 'none')
end
for i = 5, #ARGV, 3 do
  call('XADD', copy.key, ARGV[i], ARGV[i + 1], ARGV[i + 2])
  local id = id_of(ARGV[i + 2])
  if id then call('HSET', copy.more, 'i' .. id, ARGV[i]) end
end
call('PEXPIRE', copy.key, UNSEEN_MS)
call('PEXPIRE', copy.more, UNSEEN_MS)
local length = call('XLEN', copy.key)
if ARGV[4] == '' then return {length, number} end

call('RENAME', copy.key, stream.key)
call('UNLINK', stream.more)
if call('EXISTS', copy.more) == 1 then call('RENAME', copy.more, stream.more) end
settle_copy(stream, ARGV[4])
return {length, number}
