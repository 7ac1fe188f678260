-- needs: names expiry blobs objects thread
--
-- Drops the checkpoints of a run, in whatever threads they are, of one thread a call. KEYS: 1 the
-- run's, in a cluster that of one slot. ARGV: 1 names, 2 beginning of shards' keys, 3 of the others', 4 the run, 5 where to go on:
-- s, size of a place, ':', the place, and the thread's own cursor.
-- Returns {how many checkpoints are gone, where to go on}.

-- As redis_shard does.
local function shard_of(thread)
  local hash = 0
  for i = 1, #thread do hash = (hash * 33 + string.byte(thread, i)) % 65521 end
  return hash % 64
end

local slot = string.match(KEYS[1], '_run:({[^{}]*}):')
local function thread_at(place)
  local id = take(invert(place), 1)
  local shard = slot or shard_of(id)
  return make_thread(ARGV[1], '{' .. escape(id) .. '}', place, ARGV[2] .. shard, ARGV[3] .. shard)
end

local size, rest = string.match(ARGV[5], '^s(%d+):(.*)$')
if size then
  local place = sub(rest, 1, size)
  local inner = sweep_from(thread_at(place), sub(rest, size + 1))
  return {0, inner ~= '' and 's' .. size .. ':' .. place .. inner or '+'}
end

local listed = call('ZRANGE', KEYS[1], 0, BUDGET - 1)
if #listed == 0 then return {0, ''} end
local place, thread
local done, doomed = {}, {}
for i = 1, #listed do
  local id, last = take(listed[i], 1)
  local _, stop = find(listed[i], '\255\255', last + 1, true)
  local own = sub(listed[i], last + 1, stop)
  if not place then
    place, thread = own, thread_at(own)
    purge(thread)
  end
  if own == place then
    done[#done + 1] = listed[i]
    local space = space_of(thread, invert(sub(listed[i], stop + 1)))
    -- One that expired and came again may be of another run.
    if call('HGET', space.checkpoint .. escape(id), 'r') == ARGV[4] then
      doomed[#doomed + 1] = 'c' .. space.start .. id
    end
  end
end
leave_run(KEYS[1], done)
local count, loose = drop(thread, doomed)
settle(thread)
local more = #listed == BUDGET or #done < #listed
return {count, loose and 's' .. #place .. ':' .. place .. 's' or more and '+' or ''}
