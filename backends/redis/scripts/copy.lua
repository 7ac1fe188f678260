-- needs: names objects expiry thread
--
-- KEYS: those of the source thread, those of the target's. ARGV: 1 stem, 2 "{source}", 3 the source's
-- place, 4 "{target}", 5 the target's place, 6 where to go on.
-- Returns {how many checkpoints were copied, where to go on}, or {-1, ''} if there is a target.

if ARGV[6] == '' then
  spaces_of(ARGV[4], ARGV[5], 4)
  if call('EXISTS', KEYS[4]) == 1 then return {-1, ''} end
end

local function copy_key(from, to)
  return call('COPY', from, to, 'REPLACE')
end

-- Objects of one list: whether they have checkpoints is in their records.
local count, latest, forever = 0, nil, false

local function copy_object(from, to, id, record, to_set)
  local ttl, has, run, list = read_record(record)
  local at = ttl > 0 and tonumber(call('ZSCORE', from.expiry, id)) or nil
  local escaped, member = escape(id), encode(id) .. to.place
  copy_key(from.write .. escaped, to.write .. escaped)
  if has then
    count = count + copy_key(from.checkpoint .. escaped, to.checkpoint .. escaped)
    call('ZADD', to.index, 0, id)
    enlist(to, member, at, true)
  else
    call('ZADD', to.lone, 0, id)
  end
  if at then
    call('ZADD', to.expiry, at, id)
    latest = math.max(latest or 0, at)
  else
    forever = true
  end
  if run then join_run(run, member, at) end

  local order, users, pins, fields = {}, {}, {}, {}
  for suffix in gmatch(list, '[^ ]+') do
    if not users[suffix] then
      order[#order + 1], users[suffix], pins[suffix] = suffix, 1, at and 0 or 1
      fields[#fields + 1] = 'b' .. suffix
    end
  end
  local refs = #fields > 0 and hmget(from.refs, fields) or {}
  local kinds = {}
  for i = 1, #order do
    kinds[order[i]] = refs[i] and select(4, unpack_bytes(REF, refs[i]))
  end
  local function store(blob, suffix, expires)
    local kind = kinds[suffix]
    if kind == 's' then
      if copy_key(from.blob .. suffix, blob) == 0 then return nil end
      if expires then
        call('PEXPIREAT', blob, expires)
      else
        call('PERSIST', blob)
      end
    end
    return kind
  end
  account(to, order, users, pins, at, nil, to_set, nil, 0, store)
  to_set[#to_set + 1] = 'c' .. id
  to_set[#to_set + 1] = record
end

local function target_of(from)
  return space_of(ARGV[4], ARGV[5], from.ns, KEYS[4], KEYS[5], KEYS[6])
end

local function visit(from, ids)
  local to, fields = target_of(from), {}
  for i = 1, #ids do fields[i] = 'c' .. ids[i] end
  local records = hmget(from.refs, fields)
  for i = 1, #ids do
    local to_set = {}
    if records[i] then copy_object(from, to, ids[i], records[i], to_set) end
    hset(to.refs, to_set)
  end
end

local function done(from)
  if not latest and not forever then return end
  local to = target_of(from)
  if latest then call('HSET', to.refs, 'f', 1) end
  if call('HEXISTS', from.refs, 'd') == 1 then call('HSET', to.refs, 'd', 1) end
  local lives_until = tonumber(call('HGET', to.refs, 'x') or nil)
  if latest then lives_until = cover(to, lives_until, latest) end
  if forever then cover(to, lives_until, nil) end
  latest, forever = nil, false
end

local cursor = walk(spaces_of(ARGV[2], ARGV[3], 1), ARGV[6], visit, done)
return {count, cursor}
