-- Leases, uses, claims ---------------------------------------------------------------------------------------------------

-- A claim may be made for so long after its session was noted: less than a session must be silent to be buried.
local MOST_NOTED = 2500

-- A claimed stream is looked at so often.
local CLAIMED_NEXT = 60000
-- A stream that was forked is looked at so often: once it is soft-deleted, somebody has to see that its forks are gone.
local FORKED_NEXT = 3600000
-- A clock that is so much ahead of what a node expects was set, in milliseconds.
local MOST_AHEAD = 2000

local function store(meta, it)
  call('HSET', meta, 'h', hotRecord(it))
end

local function restart(it, now)
  it.at, it.version = now, bumped(it.version)
end

register('lease', function(keys, args)
  local meta = keys[1]
  local seconds = whole(args[3], MOST_EXACT / 1000, 'lease')
  local record = call('HGET', meta, 'h')
  if not record then return absent(meta) end
  if args[2] ~= '' and call('HGET', meta, 'b') ~= args[2] then return { 'none' } end
  local it = hot(record)
  if has(it.flags, ENDED) then return { 'ended', call('HGET', meta, 'e') or damaged('field e') } end
  local now = clock(args[1])
  if args[4] and args[4] ~= '' then
    -- Its due time may have been looked at by now, when there was no such lease.
    local entered = whole(args[4], MOST_MILLISECONDS, 'entered')
    if now < entered or now - entered > seconds * 500 then return { 'late' } end
  end
  -- No use: what was the last one stays it.
  local used = usedAt(it, tonumber(call('HGET', meta, 'u') or '0') or damaged('field u'))
  restart(it, now)
  it.flags = with(it.flags, UNUSED)
  call('HSET', meta, 'h', hotRecord(it), 'q', digits(seconds), 'u', digits(used))
  return { 'set' }
end, { 'allow-oom' })

register('touch', function(keys, args)
  local meta = keys[1]
  local hold = whole(args[2], MOST_MILLISECONDS, 'hold')
  if call('HEXISTS', meta, 'h') == 0 then return absent(meta) end
  local now = clock(args[1])
  if hold == 0 then
    call('HSET', meta, 'u', digits(now))
  else
    -- What is shorter takes nothing back.
    local held = tonumber(call('HGET', meta, 'w') or '0') or damaged('field w')
    call('HSET', meta, 'u', digits(now), 'w', digits(math.max(held, now + hold)))
  end
  return { 'touched' }
end, { 'allow-oom' })

-- What stands of a stream for its due times.
local function lifetime(meta, log, now, it)
  local fields = call('HMGET', meta, 'q', 'x', 'u', 'w', 'r')
  local life = { used = it.at, held = 0, touched = tonumber(fields[3] or '0'), lease = nil }
  if not life.touched then damaged('field u') end
  life.used = usedAt(it, life.touched)
  if fields[4] then life.held = tonumber(fields[4]) or damaged('field w') end
  if fields[1] and not has(it.flags, ENDED) then
    life.lease = (tonumber(fields[1]) or damaged('field q')) * 1000
  end
  if fields[2] then
    local kind, number = string.match(fields[2], '^([ia])(%d+)$')
    if kind == 'i' then
      life.idle = number * 1000
    elseif kind == 'a' then
      life.moment = number + 0
    else
      damaged('field x')
    end
  end
  local seconds = fields[5] and string.match(fields[5], '^%d*,%d*,(%d+)$')
  if seconds then
    life.age = seconds * 1000
    local oldest = call('XRANGE', log, '-', '+', 'COUNT', 1)[1]
    life.oldest = oldest and kept(oldest[1], 'run') or nil
  end
  return life
end

local function earlier(left, right)
  if not left or not right then return left or right end
  return math.min(left, right)
end

-- When the time to live runs out by the clock; nil for never.
local function expiry(life)
  local moment = life.idle and life.used + life.idle
  moment = earlier(moment, life.moment)
  return moment and math.max(moment, life.held)
end

-- In how many milliseconds something may be due; nil for never.
local function nextDue(it, life, now)
  local moment
  if life.age then
    if life.oldest then
      moment = life.oldest + life.age
    elseif not has(it.flags, ENDED) then
      -- An append enters nothing, so that this is looked at again.
      moment = now + life.age
    end
  end
  if has(it.flags, CLAIMED) then
    if life.lease or life.idle or life.moment then moment = earlier(moment, now + CLAIMED_NEXT) end
  else
    moment = earlier(moment, expiry(life))
    if life.lease then moment = earlier(moment, it.at + life.lease) end
  end
  if has(it.flags, FORKED) then moment = earlier(moment, now + FORKED_NEXT) end
  return moment and math.max(moment - now, 0)
end

local function orNone(number) return number or '' end

register('claim', function(keys, args)
  local meta, log = keys[1], keys[2]
  local noted = whole(args[2], MOST_MILLISECONDS, 'noted')
  local claim, kind, label, birth = args[3], args[4], args[5], args[6]
  if not string.find(claim or '', '^[^.]+%..+$') then mistaken('claim') end
  -- `p` and the seconds of the lease that is left when it is torn.
  if kind ~= 'a' and not string.find(kind or '', '^p%d*$') then mistaken('kind') end
  local seconds = wholeOrNil(args[7] or '', MOST_EXACT / 1000, 'lease')
  local record = call('HGET', meta, 'h')
  if not record then return absent(meta) end
  if birth ~= '' and call('HGET', meta, 'b') ~= birth then return { 'none' } end
  local it = hot(record)
  local now = clock(args[1])
  if has(it.flags, ENDED) then return info(meta, log, now, it, true, 'ended') end
  if now - noted > MOST_NOTED or noted > now then return { 'late' } end
  local set = { 'h', '', 'o:' .. claim, kind }
  if seconds then
    set[5], set[6] = 'q', digits(seconds)
  end
  local older
  if label ~= '' then
    older = call('HGET', meta, 'l:' .. label)
    set[#set + 1], set[#set + 2] = 'l:' .. label, claim
  end
  it.flags, it.version = with(it.flags, CLAIMED), bumped(it.version)
  set[2] = hotRecord(it)
  call('HSET', meta, unpack(set))
  if older and older ~= claim and call('HDEL', meta, 'o:' .. older) == 1 then
    tell(meta, 's ' .. older .. '\n' .. label)
  end
  return info(meta, log, now, it, true, 'claimed')
end)

-- Claims are gone: the lease starts when none is left.
local function unclaimed(meta, it, now)
  if #fieldsBeginning(meta, 'o:') == 0 then it.flags = without(it.flags, CLAIMED) end
  if not has(it.flags, CLAIMED) then restart(it, now) end
end

-- Gives a stream that has none the lease of one whose producer is gone.
local function giveLease(meta, it, torn)
  if torn and torn > 0 and not has(it.flags, ENDED) then call('HSETNX', meta, 'q', digits(torn)) end
end

register('unclaim', function(keys, args)
  local meta, log, claim, label = keys[1], keys[2], args[2], args[3]
  local torn = wholeOrNil(args[4], MOST_EXACT / 1000, 'lease')
  if (claim or '') == '' then mistaken('claim') end
  local record = call('HGET', meta, 'h')
  if not record then return absent(meta) end
  local it = hot(record)
  local now = clock(args[1])
  local status = 'superseded'
  if call('HDEL', meta, 'o:' .. claim) == 1 then
    status = 'unclaimed'
    giveLease(meta, it, torn)
    unclaimed(meta, it, now)
    -- Whoever produced used the stream.
    call('HSET', meta, 'h', hotRecord(it), 'u', digits(now))
  end
  if label ~= '' and call('HGET', meta, 'l:' .. label) == claim then call('HDEL', meta, 'l:' .. label) end
  return { status, orNone(nextDue(it, lifetime(meta, log, now, it), now)) }
end, { 'allow-oom' })

-- A session is dead: its streaming appends leave the lease of torn ones, its answers end. Asked again it changes nothing.
register('release', function(keys, args)
  local meta, log, session = keys[1], keys[2], args[3]
  local isHeld, notice = checkMode(args[2])
  local torn = wholeOrNil(args[4], MOST_EXACT / 1000, 'lease')
  checkWish(args[5])
  if (session or '') == '' then mistaken('session') end
  local record = call('HGET', meta, 'h')
  if not record then return absent(meta) end
  local it = hot(record)
  local now = clock(args[1])
  local hadAnswer, had = false, false
  local prefix = session .. '.'
  local claimed = fieldsBeginning(meta, 'o:' .. prefix)
  if notice == '?' and args[5] ~= '' and not has(it.flags, ENDED) then
    for _, claim in ipairs(claimed) do
      if call('HGET', meta, 'o:' .. prefix .. claim) == 'a' then return { 'tell' } end
    end
  end
  for _, claim in ipairs(claimed) do
    local field = 'o:' .. prefix .. claim
    local kind = call('HGET', meta, field)
    if kind == 'a' then
      hadAnswer = true
    else
      giveLease(meta, it, tonumber(string.sub(kind, 2)) or torn)
    end
    call('HDEL', meta, field)
    had = true
  end
  for _, label in ipairs(fieldsBeginning(meta, 'l:')) do
    if string.sub(call('HGET', meta, 'l:' .. label), 1, #prefix) == prefix then call('HDEL', meta, 'l:' .. label) end
  end
  local isEnded = 0
  if had then
    unclaimed(meta, it, now)
    if hadAnswer and args[5] ~= '' and not has(it.flags, ENDED) then
      keep(meta, log, it, now, isHeld, {}, 1, args[5], { 'h', '' }, keys[3], notice)
      isEnded = 1
    else
      store(meta, it)
    end
  end
  return { 'released', orNone(nextDue(it, lifetime(meta, log, now, it), now)), isEnded, lagOf(meta, it) }
end, { 'allow-oom' })

register('confirm', function(keys, args)
  local meta = keys[1]
  offset(args[2], 'mark')
  local record = call('HGET', meta, 'h')
  if not record then return absent(meta) end
  local it = hot(record)
  local floor, events, bytes = raise(meta, keys[2], it, args[2])
  return { 'confirmed', lagOf(meta, it), floor, events, bytes }
end, { 'allow-oom' })

-- What is due ------------------------------------------------------------------------------------------------------------

-- Takes away, ends or trims what is due, whoever asks and however often.
--
-- A clock may have been set, and another master's may be another: a moment has passed only when this one served the node
-- all the time since, or when the node saw by its own clock that nothing happened for so long.
register('settle', function(keys, args)
  local meta, log, tombstone = keys[1], keys[2], keys[3]
  local isHeld, notice = checkMode(args[2])
  local trustedSince = wholeOrNil(args[3], MOST_MILLISECONDS, 'trusted')
  local seen, seenFor = args[4], args[5] == '' and 0 or whole(args[5], MOST_EXACT, 'seen')
  local expected, wall =
    wholeOrNil(args[6] or '', MOST_MILLISECONDS, 'expected'), wholeOrNil(args[7] or '', MOST_MILLISECONDS, 'wall')
  local record = call('HGET', meta, 'h')
  local now = clock(args[1])
  if not record then
    local answer = absent(meta)
    if answer[1] == 'gone' then
      answer[2] = FORKED_NEXT
      for _, target in ipairs(fieldsBeginning(meta, 'f:')) do
        local nonce, entered = string.match(call('HGET', meta, 'f:' .. target), '^([^ ]+) (%d+)$')
        if not nonce then damaged('field f:') end
        local place = #answer
        answer[place + 1], answer[place + 2], answer[place + 3] = target, nonce, since(now, tonumber(entered))
      end
    end
    return answer
  end
  local it = hot(record)
  local life = lifetime(meta, log, now, it)
  local waiting, need
  if expected and now - expected > MOST_AHEAD then trustedSince = nil end
  -- What is due at a time of day is due when the node's clock says so too.
  local day = wall and math.min(now, wall) or now

  -- Whether a time since a moment has passed; notes for what the node waits if it may be otherwise.
  local function hasPassed(start, length, version)
    if trustedSince and start >= trustedSince then return true end
    local left = version == seen and length - seenFor or length
    if left <= 0 then return true end
    waiting, need = version, left
    return false
  end

  if not has(it.flags, CLAIMED) then
    local version, hold = useVersion(it, digits(life.touched)), life.held - life.touched
    if now >= life.held then
      if life.moment and day >= life.moment and (hold <= 0 or hasPassed(life.used, hold, version))
        or life.idle and now >= life.used + life.idle and hasPassed(life.used, math.max(life.idle, hold), version)
      then
        if notice == '?' then return { 'tell' } end
        return removed(meta, log, tombstone, it, 'expired', now, keys[4], notice)
      end
    end
    if life.lease and now >= it.at + life.lease and hasPassed(it.at, life.lease, leaseVersion(it)) then
      local wish = 'abandoned The producer was silent for ' .. digits(life.lease / 1000) .. ' s.'
      if notice == '?' then return { 'tell' } end
      it.isNoUse = true
      local previous, _, _, ending, _, _, _, lag =
        keep(meta, log, it, now, isHeld, {}, 1, wish, { 'h', '', 'u', digits(life.used) }, keys[4], notice)
      life.lease = nil
      return { 'abandoned', ending, previous, lag, orNone(nextDue(it, life, now)) }
    end
  end
  local floor, events, bytes = '', 0, 0
  if life.oldest and day >= life.oldest + life.age and it.events > 0 then
    local set = { 'h', '' }
    floor, events, bytes = trim(meta, log, it, set, day - life.age)
    set[2] = hotRecord(it)
    call('HSET', meta, unpack(set))
    if floor ~= '' then
      tell(meta, 't ' .. floor .. '\n')
      life = lifetime(meta, log, now, it)
    end
  end
  local due = nextDue(it, life, now)
  if waiting then
    due = need
  elseif due == 0 and floor == '' then
    -- What is not durable is not taken yet, and what the node's clock does not call due neither.
    due = 1000
  end
  if floor ~= '' then return { 'trimmed', orNone(due), waiting or '', floor, events, bytes, orNone(need) } end
  -- Whoever ended it may have died before anybody knew that this is to be confirmed.
  if has(it.flags, ENDED) and has(it.flags, BEHIND) then return { 'behind', orNone(due), lagOf(meta, it) } end
  if waiting then return { 'waiting', due, waiting, need } end
  if has(it.flags, CLAIMED) then return { 'next', orNone(due), '', claims(meta, it) } end
  return { 'next', orNone(due), '' }
end, { 'allow-oom' })
