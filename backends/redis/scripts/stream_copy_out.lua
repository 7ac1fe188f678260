-- needs: stream
--
-- What stream_copy_in.lua makes a copy of in another slot of a cluster. KEYS: 1 the stream, 2 what goes with it.
-- ARGV: 1 its channel, 2 the position that the copy has got to, 3 where it ends; both 0-0: it begins.
-- Returns nothing: there is no stream; or {1: it begins, or begins anew, or 0; 1: this is all, or 0; where it ends;
-- position, field, event packed; of each}. What was there when it began is what is copied; if some of that has
-- left the stream before its turn came, it begins anew.

local MOST_BYTES, MOST = 131072, 500
local stream, after, till = make_stream(KEYS[1], ARGV[1]), ARGV[2], ARGV[3]
if call('EXISTS', stream.key) == 0 then return {} end

local function is_next(position)
  local entry = call('XRANGE', stream.key, position, position)[1]
  return entry and call('XRANGE', stream.key, till, till)[1]
end

local begins = till == '0-0' or not is_next(position_at(number_of(after) + 1))
if begins then after, till = '0-0', last_of(stream) or '0-0' end
local answer, bytes, count, at = {begins and 1 or 0, 0, till}, 0, 0, after
while at ~= till and count < MOST and bytes < MOST_BYTES do
  local some = count == 0 and 1 or math.ceil((MOST_BYTES - bytes) / (bytes / count + 64) / 2)
  local page = call('XRANGE', stream.key, '(' .. at, till, 'COUNT', math.min(some, MOST - count))
  for _, entry in ipairs(page) do
    local size = #answer
    answer[size + 1], answer[size + 2], answer[size + 3] = entry[1], entry[2][1], entry[2][2]
    bytes = bytes + #entry[2][2]
  end
  count = count + #page
  at = page[#page][1]
end
if at == till then answer[2] = 1 end
return answer
