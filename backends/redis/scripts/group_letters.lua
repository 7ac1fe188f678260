-- needs: stream
--
-- Appends to dead letters what came to be such in another slot of a cluster; what was, is not again. KEYS: 1 the
-- letters, 2 what goes with them. ARGV: 1 their channel, 2 TTL in ms or -1, 3 length limit or nothing, 4 of whom
-- they are, 5 ... the position that each had, and itself, or '' if it is given up. Returns how many are new.

local stream, first = make_stream(KEYS[1], ARGV[1]), first_of(make_stream(KEYS[1], ARGV[1]))
local letters, marks, seen = {}, {}, {}
for i = 5, #ARGV, 2 do
  local mark = 'd' .. ARGV[4] .. ':' .. ARGV[i]
  local at = first and call('HGET', stream.more, mark)
  if ARGV[i + 1] ~= '' and not seen[mark] and not (at and not is_before(at, first)) then
    seen[mark] = true
    letters[#letters + 1], marks[#marks + 1] = ARGV[i + 1], mark
  end
end
if #letters == 0 then return 0 end
local number = add(stream, letters, ARGV[2], ARGV[3])
for i = 1, #marks do call('HSET', stream.more, marks[i], position_at(number + i - 1)) end
touch(stream, ARGV[2])
forget_ids(stream)
return #letters
