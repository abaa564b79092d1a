-- Reading ----------------------------------------------------------------------------------------------------------------

-- What stands of a stream for readers: its tail and its end, as far as they are durable. Nil when nothing of it is.
local function visible(it, durable, ending)
  if not has(it.flags, BEHIND) then return text(it.ms, it.count), ending end
  if durable == NOTHING then return nil end
  local ms, count = kept(durable, 'field v')
  if ending ~= '' then
    local endMs, endCount = kept(endOffset(ending), 'field e')
    if isLater(endMs, endCount, ms, count) then ending = '' end
  end
  if isLater(it.ms, it.count, ms, count) then return durable, ending end
  return text(it.ms, it.count), ending
end

-- How long ago a moment was; none is in the future, whatever the clock was set to.
local function since(now, moment)
  return now > moment and now - moment or 0
end

-- The version of the lease, and of the last use.
-- When a stream was last used: when its lease last started, unless that was no use, or when it was last touched.
local function usedAt(it, touched) return has(it.flags, UNUSED) and touched or math.max(it.at, touched) end

local function leaseVersion(it) return 'L' .. it.version .. '-' .. digits(it.at) end

local function useVersion(it, touched) return 'U' .. it.version .. '-' .. digits(it.at) .. '-' .. touched end

local function fieldsBeginning(meta, prefix)
  local found = {}
  for _, field in ipairs(call('HKEYS', meta)) do
    if string.sub(field, 1, #prefix) == prefix then found[#found + 1] = string.sub(field, #prefix + 1) end
  end
  return found
end

local function claims(meta, it)
  local found = {}
  if has(it.flags, CLAIMED) then
    for _, claim in ipairs(fieldsBeginning(meta, 'o:')) do
      found[#found + 1] = claim
      found[#found + 1] = call('HGET', meta, 'o:' .. claim)
    end
  end
  return found
end

-- What can be said of a stream without reading it. `isAll`: of what is not durable too.
local function info(meta, log, now, it, isAll, status)
  local fields = call('HMGET', meta, 'b', 'f', 'e', 'z', 'q', 'F', 'v', 'u', 'x', 'i', 'g', 'w')
  local birth = fields[1] or damaged('field b')
  local tail, ending = text(it.ms, it.count), fields[3] or ''
  local events, bytes = it.events, it.bytes
  local lag = lagOf(meta, it)
  if lag ~= '' and not isAll then
    tail, ending = visible(it, fields[7], ending)
    if not tail then return { 'pending', lag, since(now, it.at) } end
    local from, page = '(' .. fields[7], nil
    repeat
      page = call('XRANGE', log, from, '+', 'COUNT', 64)
      for _, entry in ipairs(page) do
        local count, size = measured(entry)
        events, bytes = events - count, bytes - size
        from = '(' .. entry[1]
      end
    until #page < 64
  end
  local used = usedAt(it, tonumber(fields[8] or '0') or damaged('field u'))
  return {
    status, birth, fields[2] or birth, tail, ending, events, bytes, fields[4] or damaged('field z'), fields[5] or '',
    fields[6] or '', lag, leaseVersion(it), since(now, it.at), since(now, used), claims(meta, it), fields[9] or '',
    fields[10] or '', fields[11] or birth, since(tonumber(fields[12] or '0') or damaged('field w'), now),
  }
end

register('info', function(keys, args)
  local record = call('HGET', keys[1], 'h')
  if not record then return absent(keys[1]) end
  return info(keys[1], keys[2], clock(args[1]), hot(record), false, 'stream')
end, { 'no-writes' })

-- How many runs to ask for first: about as many as hold what is wanted, and not many, since a run may be large.
local function pageSize(it, log, most)
  if it.bytes == 0 then return 8 end
  local wanted = math.ceil(most * call('XLEN', log) / it.bytes) + 1
  return math.max(2, math.min(wanted, 8))
end

-- Where in the log a position is: standing, the offset that is read on from, where in the log that begins, whether it
-- is past the end, and whether the first run may begin before.
local function locate(log, it, position, floor, origin, birth, tail, ending)
  if position == 'now' then return 'exact', tail, nil, 0 end
  if position == 'start' then return floor == origin and 'exact' or 'belowFloor', floor, '-', 0 end
  local ms, count = offset(position, 'position')
  if position == floor then return 'exact', floor, '-', 0 end
  if position == tail then return 'exact', tail, nil, 0 end
  if ending ~= '' and position == endOffset(ending) then return 'exact', tail, nil, 1 end
  -- Before the beginning there is nothing this stream gave, so nothing of it was lost there.
  local originMs, originCount = kept(origin, 'field g')
  if isLater(originMs, originCount, ms, count) then return 'unknown', floor, '-', 0 end
  local floorMs, floorCount = kept(floor, 'field f')
  if isLater(floorMs, floorCount, ms, count) then return 'belowFloor', floor, '-', 0 end
  local entry = call('XREVRANGE', log, position, '-', 'COUNT', 1)[1]
  if not entry then return 'unknown', floor, '-', 0 end
  local lastMs, lastCount = lastOf(entry)
  if lastMs == ms and lastCount == count then return 'exact', position, '(' .. entry[1], 0 end
  if isLater(lastMs, lastCount, ms, count) then return 'exact', position, entry[1], 0 end
  return 'unknown', floor, '-', 0
end

register('read', function(keys, args)
  local meta, log = keys[1], keys[2]
  local position = args[2]
  local mostEvents, mostBytes = whole(args[3], MOST_EXACT, 'events'), whole(args[4], MOST_EXACT, 'bytes')
  local record = call('HGET', meta, 'h')
  if not record then return absent(meta) end
  local it = hot(record)
  local fields = call('HMGET', meta, 'b', 'f', 'g', 'e', 'z', 'v')
  local birth = fields[1] or damaged('field b')
  local floor, origin = fields[2] or fields[3] or birth, fields[3] or birth
  kept(floor, 'field f')
  kept(origin, 'field g')
  local lag = lagOf(meta, it)
  local tail, ending = visible(it, fields[6], fields[4] or '')
  if not tail then return { 'pending', lag, since(clock(args[1]), it.at) } end

  local standing, after, from, isPastEnd = locate(log, it, position, floor, origin, birth, tail, ending)
  local runs = {}
  if from and tail ~= floor then
    local page = pageSize(it, log, mostBytes)
    local events, bytes = 0, 0
    -- What the first run holds of the page is not known.
    local isPart = standing == 'exact' and after == position and string.byte(from) ~= 40 and from ~= '-'
    local isFull, isLast = false, false
    repeat
      local entries = call('XRANGE', log, from, tail, 'COUNT', page)
      isLast = #entries < page
      for _, entry in ipairs(entries) do
        local place = #runs
        runs[place + 1], runs[place + 2], runs[place + 3] = entry[1], entry[2][1], entry[2][2]
        local count, size = measured(entry)
        if isPart then
          isPart = false
        else
          events, bytes = events + count, bytes + size
          isFull = events >= mostEvents or bytes > mostBytes
          if isFull then break end
        end
        from = '(' .. entry[1]
      end
      page = math.min(page * 2, 64)
    until isFull or isLast
  end
  return { 'page', standing, after, floor, tail, ending, isPastEnd, fields[5] or damaged('field z'), lag, runs }
end, { 'no-writes' })
