-- Blobs live as long as the last checkpoint that names them. Puts prolong; who takes a checkpoint
-- away, or shortens its life, counts who else names its blobs: at once where there are few
-- checkpoints, or else in pieces, and then the names are kept in the thread's `loose`, each with when
-- the last known user expires (0: none known, inf: never). Its member '' counts how often names were
-- added: who has counted the users of some must begin anew if there are others by then.

local BUDGET = 64 -- objects a call
local MOST_COUNTED = 128

local function give(blob, last)
  if last == 0 then
    call('UNLINK', blob)
  elseif last == inf then
    call('PERSIST', blob)
  else
    call('PEXPIREAT', blob, plain(last))
  end
end

-- Lets a blob live until `at` at the least, or for ever if that is nil. Whether it did not before.
local function prolong(blob, at)
  if not at then return call('PERSIST', blob) == 1 end
  if redis.REDIS_VERSION_NUM then return call('PEXPIREAT', blob, plain(at), 'GT') == 1 end
  local left = call('PTTL', blob) -- 6.2 knows no GT
  if left < 0 or now() + left >= at then return false end
  return call('PEXPIREAT', blob, plain(at)) == 1
end

-- names: set of suffixes. Returns nothing, or true if they have become loose: then `sweep`.
local function rebind(space, names)
  if not next(names) then return end
  local thread = space.thread
  local from, to = '[c' .. space.start, '(c' .. space.stop
  local members = call('ZRANGEBYLEX', thread.index, from, to, 'LIMIT', 0, MOST_COUNTED + 1)
  if #members > MOST_COUNTED then
    local counted = {}
    for suffix in pairs(names) do
      counted[#counted + 1] = 0
      counted[#counted + 1] = space.blob .. suffix
    end
    with_all(counted, 'ZADD', thread.loose)
    call('ZINCRBY', thread.loose, 1, '')
    local left = call('PTTL', thread.index)
    if left >= 0 then call('PEXPIRE', thread.loose, left) end
    return true
  end
  local last = {}
  for i = 1, #members do
    local _, id = place_of(thread, members[i])
    local list = call('HGET', space.checkpoint .. escape(id), 'l')
    local at
    for suffix in gmatch(list or '', '[^ ]+') do
      if names[suffix] then
        at = at or tonumber(call('ZSCORE', thread.expiry, members[i]) or inf)
        last[suffix] = math.max(last[suffix] or 0, at)
      end
    end
  end
  for suffix in pairs(names) do give(space.blob .. suffix, last[suffix] or 0) end
end

-- A checkpoint that is there now counts too.
local function hold_loose(space, list, at)
  if call('EXISTS', space.thread.loose) == 0 then return end
  for suffix in gmatch(list, '[^ ]+') do
    call('ZADD', space.thread.loose, 'XX', 'GT', plain(at or inf), space.blob .. suffix)
  end
end

-- A piece of counting and, behind the last checkpoint, of giving. cursor: '' at first. Returns '' or
-- where to go on.
local function sweep(thread, cursor)
  local added = call('ZSCORE', thread.loose, '')
  if not added then return '' end
  local known, from = string.match(cursor, '^(%d+) (.*)$')
  if known ~= added then from = 'c' end
  if from ~= 'done' then
    local members = call('ZRANGEBYLEX', thread.index, '(' .. from, '(d', 'LIMIT', 0, BUDGET)
    for i = 1, #members do
      local space, id = place_of(thread, members[i])
      local list = call('HGET', space.checkpoint .. escape(id), 'l')
      if list then
        hold_loose(space, list, tonumber(call('ZSCORE', thread.expiry, members[i]) or nil))
      end
    end
    return added .. ' ' .. (#members == BUDGET and members[BUDGET] or 'done')
  end
  local counted = call('ZRANGE', thread.loose, 0, 2 * BUDGET, 'WITHSCORES')
  local gone = {}
  for i = 1, #counted, 2 do
    if counted[i] ~= '' then
      give(counted[i], tonumber(counted[i + 1]))
      gone[#gone + 1] = counted[i]
    end
  end
  if #gone > 0 then
    with_all(gone, 'ZREM', thread.loose)
    return added .. ' done'
  end
  call('UNLINK', thread.loose)
  return ''
end
