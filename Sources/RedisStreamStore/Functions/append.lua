-- Appending --------------------------------------------------------------------------------------------------------------

-- Whether a text is before another, byte by byte. Lua's own `<` asks the locale.
local function precedes(left, right)
  local most = math.min(#left, #right)
  for index = 1, most do
    local one, other = string.byte(left, index), string.byte(right, index)
    if one ~= other then return one < other end
  end
  return #left < #right
end

-- What is remembered of a producer: epoch and sequence.
local STAMP = '>I7I7'

local function stamp(record)
  if #record ~= 14 then damaged('field p') end
  return struct.unpack(STAMP, record)
end

-- What an append to a stream that has ended comes to.
local function afterEnd(meta, it, args, producer)
  local fields = call('HMGET', meta, 'e', 'k')
  local ending = fields[1] or damaged('field e')
  local tail = text(it.ms, it.count)
  local lag = lagOf(meta, it)
  local epoch, seq = '', ''
  if producer then epoch, seq = stamp(producer) end
  if producer and fields[2] == args[6] .. ' ' .. args[7] .. ' ' .. args[5] then
    return { 'duplicate', tail, ending, epoch, seq, lag }
  end
  return { 'ended', ending, tail, epoch, seq, lag }
end

-- What a producer's stamp comes to; nil when it is accepted. A duplicate is a sign of life: the lease starts again.
local function judge(meta, it, args, producer, epoch, seq)
  if not producer then
    if seq == 0 then return nil end
    return { 'gap', 0, seq }
  end
  local keptEpoch, keptSeq = stamp(producer)
  if epoch < keptEpoch then return { 'fenced', keptEpoch } end
  if epoch > keptEpoch then
    if seq == 0 then return nil end
    return { 'epoch' }
  end
  if seq == keptSeq + 1 then return nil end
  if seq > keptSeq then return { 'gap', keptSeq + 1, seq } end
  it.flags, it.at, it.version = without(it.flags, UNUSED), clock(args[1]), bumped(it.version)
  call('HSET', meta, 'h', hotRecord(it))
  return { 'duplicate', text(it.ms, it.count), '', keptEpoch, keptSeq, lagOf(meta, it) }
end

-- Adds runs to the log, the first with this offset. Returns the last event's offset, and the message's middle for whoever
-- wants one: nil when it is too large.
local function addRuns(log, it, args, firstRun, ms, count, tells)
  local last, size = #args, 0
  local header, bodies = { (last - firstRun + 1) / 2 }, {}
  for index = firstRun, last, 2 do
    local field, body = args[index], args[index + 1]
    local events, bytes = measure(field)
    local id = text(ms, count)
    call('XADD', log, id, field, body)
    it.events, it.bytes = it.events + events, it.bytes + bytes
    size = size + #body
    if tells and size <= MOST_TOLD then
      local place = #header
      header[place + 1], header[place + 2], header[place + 3] = id, field, #body
      bodies[#bodies + 1] = body
    end
    ms, count = advanced(ms, count, index + 1 < last and events or events - 1)
  end
  local middle = tells and size <= MOST_TOLD and table.concat(header, ' ') .. '\n' .. table.concat(bodies) or nil
  return ms, count, middle
end

-- Appends the runs in the arguments from a place on, makes an end where there is a wish, and tells of both. `set` holds
-- fields to set beside; its first two are the record's. It is a use, unless `it.isNoUse`. Who is to be told of an end is in
-- `notice`, and what they are told is written beside the stream in `outbox`.
--
-- Most appends are one run to a stream without flags: what those need not do is behind a question. Redis's Lua hashes every
-- string that it makes, all of its bytes, so that the message is made at once.
--
-- Returns previous, first, tail, end, floor, taken events, taken bytes, lag.
local function keep(meta, log, it, now, isHeld, args, firstRun, wish, set, outbox, notice)
  local previous = text(it.ms, it.count)
  local ms, count = it.ms, it.count
  local flags, wasBehind = it.flags, false
  if flags ~= 0 then
    if has(flags, BORN_LATE) then ms, count = kept(call('HGET', meta, 'b'), 'field b') end
    wasBehind = has(flags, BEHIND)
  end
  local tells = not isHeld and not wasBehind
  local first, tail, ending, mark = '', previous, '', nil
  local field, body, middle
  local last = #args
  if firstRun < last then
    local firstMs, firstCount = minted(now, it.base, ms, count)
    first = text(firstMs, firstCount)
    local behind = not wasBehind and isHeld and text(ms, count)
    if firstRun + 1 == last then
      field, body = args[firstRun], args[last]
      local events, bytes = measure(field)
      if not events then mistaken('run') end
      call('XADD', log, first, field, body)
      it.events, it.bytes = it.events + events, it.bytes + bytes
      if events == 1 then
        ms, count, tail = firstMs, firstCount, first
      else
        ms, count = advanced(firstMs, firstCount, events - 1)
        tail = text(ms, count)
      end
    else
      checkRuns(args, firstRun, 2)
      ms, count, middle = addRuns(log, it, args, firstRun, firstMs, firstCount, tells)
      tail = text(ms, count)
    end
    it.ms, it.count = ms, count
    mark = tail
    if flags ~= 0 then flags = without(flags, BORN_LATE) end
    if behind then
      flags = flags + BEHIND
      set[#set + 1], set[#set + 2] = 'v', behind
    end
  elseif isHeld and not wasBehind then
    flags = flags + BEHIND
    set[#set + 1], set[#set + 2] = 'v', text(ms, count)
  end
  if wish ~= '' then
    ms, count = minted(now, it.base, ms, count)
    mark = text(ms, count)
    ending = mark .. ' ' .. wish
    flags = with(flags, ENDED)
    set[#set + 1], set[#set + 2] = 'e', ending
  end
  if it.isNoUse then
    flags = with(flags, UNUSED)
  elseif flags ~= 0 then
    flags = without(flags, UNUSED)
  end
  it.flags, it.at, it.version = flags, now, bumped(it.version)

  local floor, takenEvents, takenBytes = '', 0, 0
  if flags ~= 0 and first ~= '' and has(flags, RETAINED) and not has(flags, BEHIND) then
    floor, takenEvents, takenBytes = trim(meta, log, it, set)
  end
  set[2] = hotRecord(it)
  if set[3] then call('HSET', meta, unpack(set)) else call('HSET', meta, 'h', set[2]) end
  if notice and wish ~= '' then note(outbox, meta, log, it, now, 'ended', notice) end

  if tells then
    if mark then
      local channel = string.sub(meta, 1, -2) .. 'c'
      if body and #body <= MOST_TOLD then
        call(
          'PUBLISH', channel,
          'i ' .. previous .. ' ' .. mark .. ' 1 ' .. first .. ' ' .. field .. ' ' .. #body .. '\n' .. body .. ending
        )
      elseif first == '' then
        call('PUBLISH', channel, 'i ' .. previous .. ' ' .. mark .. ' 0\n' .. ending)
      elseif middle then
        call('PUBLISH', channel, 'i ' .. previous .. ' ' .. mark .. ' ' .. middle .. ending)
      else
        call('PUBLISH', channel, 'b ' .. previous .. ' ' .. mark .. '\n')
      end
    end
    if floor ~= '' then tell(meta, 't ' .. floor .. '\n') end
    return previous, first, tail, ending, floor, takenEvents, takenBytes, ''
  end
  mark = text(ms, count)
  if isHeld then
    -- Whoever follows the stream sees to it that this is confirmed, should the node that waits for it die.
    tell(meta, 'p ' .. mark .. '\n')
    return previous, first, tail, ending, floor, takenEvents, takenBytes, mark
  end
  -- A node that waits for no replica takes what others hold back with it.
  floor, takenEvents, takenBytes = raise(meta, log, it, mark)
  return previous, first, tail, ending, floor, takenEvents, takenBytes, ''
end

local function append(keys, args)
  local meta, log = keys[1], keys[2]
  local birth, essence, producer, epoch, claim, wish = args[3], args[4], args[5], args[6], args[9], args[10]
  if not wish then mistaken('arguments') end
  local stands
  if epoch == '' and birth == '' and claim == '' then
    stands = call('HMGET', meta, 'h', 'y')
  else
    stands = call('HMGET', meta, 'h', 'y', 'b', 'p:' .. producer, 'o:' .. claim)
  end
  local record = stands[1]
  if not record then return absent(meta) end
  if birth ~= '' and birth ~= stands[3] then return { 'none' } end
  local it = hot(record)
  if claim ~= '' and not stands[5] then
    return { 'superseded', has(it.flags, ENDED) and call('HGET', meta, 'e') or '' }
  end
  local known = epoch ~= '' and stands[4] or nil
  if it.flags ~= 0 and has(it.flags, ENDED) then return afterEnd(meta, it, args, known) end
  if essence ~= '' and essence ~= stands[2] then return { 'type', call('HGET', meta, 'z') or damaged('field z') } end
  local epochNumber, seqNumber
  if epoch ~= '' then
    epochNumber, seqNumber = whole(epoch, MOST_EXACT, 'epoch'), whole(args[7], MOST_EXACT, 'seq')
    local refusal = judge(meta, it, args, known, epochNumber, seqNumber)
    if refusal then return refusal end
  end
  local sequence
  if args[8] ~= '' then
    local last = call('HGET', meta, 's')
    sequence = string.sub(args[8], 2)
    if last and not precedes(last, sequence) then return { 'sequence', last } end
  end
  local mode, notice = args[2], nil
  if keys[3] then
    notice = noticed(mode)
    mode = string.match(mode, '^%a*')
  end
  if mode == 'w' or mode == 'dw' then return { 'withheld' } end
  if mode ~= '' and mode ~= 'd' then mistaken('mode') end
  if wish ~= '' then checkWish(wish) end
  if #args % 2 ~= 0 then mistaken('runs') end

  local now = clock(args[1])
  local set = { 'h', '' }
  if epochNumber then
    set[3], set[4] = 'p:' .. producer, struct.pack(STAMP, epochNumber, seqNumber)
    if wish ~= '' then
      set[5], set[6] = 'k', epoch .. ' ' .. args[7] .. ' ' .. producer
    end
  end
  if sequence then
    set[#set + 1], set[#set + 2] = 's', sequence
  end
  local previous, first, tail, ending, floor, takenEvents, takenBytes, lag =
    keep(meta, log, it, now, mode == 'd', args, 11, wish, set, keys[3], notice)
  return {
    'appended', previous, first, tail, ending, floor, takenEvents, takenBytes,
    epochNumber and not known and 1 or 0, lag,
  }
end

register('append', append)

-- What brings nothing works though Redis is full: an end is what lets a stream be taken later.
register('finish', function(keys, args)
  if #args > 10 then mistaken('runs') end
  return append(keys, args)
end, { 'allow-oom' })
