-- Creating, forking, importing, removing -----------------------------------------------------------------------------

-- How old a name's entry in the index may be when its stream is made: what is older may have been dropped meanwhile.
local MOST_ENTERED = 30000

-- What a stream is to be made with; the arguments from index version to counter base, checked.
local function wanted(args, first)
  local it = {
    index = whole(args[first], MOST_EXACT, 'index version'),
    essence = args[first + 1],
    options = args[first + 2],
    retention = args[first + 3],
    lease = args[first + 4],
    expiry = args[first + 5],
    base = whole(args[first + 6], 8388607, 'base'),
  }
  if it.essence == '' or it.options == '' then mistaken('options') end
  if it.retention ~= '' then
    local events, bytes, seconds = string.match(it.retention, '^(%d*),(%d*),(%d*)$')
    if not events then mistaken('retention') end
    for _, number in ipairs({ events, bytes, seconds }) do wholeOrNil(number, MOST_EXACT, 'retention') end
  end
  wholeOrNil(it.lease, MOST_EXACT, 'lease')
  if it.expiry ~= '' then
    local kind, number = string.match(it.expiry, '^([ia])(%d+)$')
    whole(number, kind == 'i' and MOST_EXACT / 1000 or MOST_EXACT, 'expiry')
  end
  return it
end

-- What is known of a stream that was here: its highest offset, and the version of its entry in the index.
local function grave(tombstone)
  local record = call('GET', tombstone)
  if not record then return NOTHING, 0 end
  local highest, index = string.match(record, '^(%d+%-%d+) (%d+)$')
  return highest or damaged('tombstone'), tonumber(index)
end

-- The answer where none is made; nil where one may be.
local function obstacle(meta, log, tombstone, now, wish)
  local record = call('HGET', meta, 'h')
  if record then
    local entered = tonumber(call('HGET', meta, 'i') or '0')
    -- Whoever removes it takes this entry of the index away, not the one before.
    if wish.index > entered then call('HSET', meta, 'i', digits(wish.index)) end
    return info(meta, log, now, hot(record), true, 'exists')
  end
  if call('EXISTS', meta) == 1 then return { 'gone' } end
  -- With a stream that was entered after it this entry went too.
  local _, index = grave(tombstone)
  if now - wish.index > MOST_ENTERED or wish.index <= index then return { 'late' } end
  return nil
end

-- The fields that every new stream has. Those that every append reads are the first.
local function firstFields(wish, birth)
  local set = { 'h', '', 'y', wish.essence, 'b', birth, 'z', wish.options, 'i', digits(wish.index) }
  local function put(field, value)
    if value ~= '' then set[#set + 1], set[#set + 2] = field, value end
  end
  put('r', wish.retention)
  put('q', wish.lease)
  put('x', wish.expiry)
  return set, put
end

-- Whether a build is there in full; the log is then it.
local function taken(build, log, runs)
  if runs == 0 then
    call('UNLINK', log)
    return true
  end
  if call('EXISTS', build) == 0 or call('XLEN', build) ~= runs then return false end
  call('RENAME', build, log)
  call('PERSIST', log)
  return true
end

-- An offset above what a stream that was here gave.
local function firstOffset(now, base, tombstone)
  local ms, count = kept((grave(tombstone)), 'tombstone')
  return minted(now, base, ms, count)
end

-- Whether the durability is waited for, and who is to be told.
local function checkMode(mode)
  local letters = string.match(mode, '^%a*')
  if letters ~= '' and letters ~= 'd' then mistaken('mode') end
  return letters == 'd', noticed(mode)
end

-- Makes the stream of which everything is known, with its first events and its end, and tells of it. When its durability
-- is waited for, nothing is told before.
local function begin(meta, log, it, now, isHeld, args, firstRun, wish, set, birth, outbox, notice)
  if isHeld then
    it.flags = with(it.flags, BEHIND)
    set[#set + 1], set[#set + 2] = 'v', NOTHING
  end
  set[2] = hotRecord(it)
  call('HSET', meta, unpack(set))
  if not isHeld then tell(meta, 'c ' .. birth .. '\n') end
  if firstRun <= #args or wish ~= '' then
    keep(meta, log, it, now, isHeld, args, firstRun, wish, { 'h', '' }, outbox, notice)
  elseif isHeld then
    tell(meta, 'p ' .. birth .. '\n')
  elseif has(it.flags, RETAINED) then
    local fields = { 'h', '' }
    local floor = trim(meta, log, it, fields)
    fields[2] = hotRecord(it)
    call('HSET', meta, unpack(fields))
    if floor ~= '' then tell(meta, 't ' .. floor .. '\n') end
  end
  return info(meta, log, now, it, true, 'created')
end

register('create', function(keys, args)
  local meta, log, tombstone = keys[1], keys[2], keys[3]
  local isHeld, notice = checkMode(args[2])
  local wish = wanted(args, 3)
  checkWish(args[10])
  checkRuns(args, 11, 2)
  local now = clock(args[1])
  local answer = obstacle(meta, log, tombstone, now, wish)
  if answer then return answer end
  local ms, count = firstOffset(now, wish.base, tombstone)
  local birth = text(ms, count)
  local set = firstFields(wish, birth)
  local it = {
    flags = wish.retention ~= '' and RETAINED or 0, base = wish.base, ms = ms, count = count, at = now, version = 0,
    events = 0, bytes = 0,
  }
  call('UNLINK', log)
  return begin(meta, log, it, now, isHeld, args, 11, args[10], set, birth, keys[4], notice)
end)

register('fork', function(keys, args)
  local meta, log, tombstone, build = keys[1], keys[2], keys[3], keys[4]
  local isHeld, notice = checkMode(args[2])
  local wish = wanted(args, 3)
  checkWish(args[10])
  local runs, events, bytes =
    whole(args[11], MOST_EXACT, 'runs'), whole(args[12], MOST_EXACT, 'events'), whole(args[13], MOST_EXACT, 'bytes')
  local tailMs, tailCount = offset(args[14], 'tail')
  offset(args[15], 'floor')
  offset(args[16], 'origin')
  checkRuns(args, 18, 2)
  local now = clock(args[1])
  local answer = obstacle(meta, log, tombstone, now, wish)
  if answer then return answer end
  local ms, count = firstOffset(now, wish.base, tombstone)
  -- A clock that was set back, or another master's: the fork is later than what it begins with all the same.
  if not isLater(ms, count, tailMs, tailCount) then ms, count = advanced(tailMs, tailCount, 1) end
  if not taken(build, log, runs) then return { 'lost' } end
  local birth = text(ms, count)
  local set, put = firstFields(wish, birth)
  put('f', args[15])
  put('g', args[16])
  put('F', args[17])
  local it = {
    flags = BORN_LATE + (wish.retention ~= '' and RETAINED or 0), base = wish.base, ms = tailMs, count = tailCount, at = now,
    version = 0, events = events, bytes = bytes,
  }
  return begin(meta, log, it, now, isHeld, args, 18, args[10], set, birth, keys[5], notice)
end)

register('import', function(keys, args)
  local meta, log, tombstone, build = keys[1], keys[2], keys[3], keys[4]
  local wish = wanted(args, 2)
  local birthMs, birthCount = offset(args[9], 'birth')
  offset(args[10], 'origin')
  offset(args[11], 'floor')
  local tailMs, tailCount = offset(args[12], 'tail')
  local events, bytes = whole(args[13], MOST_EXACT, 'events'), whole(args[14], MOST_EXACT, 'bytes')
  local runs = whole(args[15], MOST_EXACT, 'runs')
  local ending, closing, sequence, origin = args[16], args[17], args[18], args[19]
  if ending ~= '' then
    local place = string.match(ending, '^(%d+%-%d+) ')
    local endMs, endCount = offset(place, 'end')
    checkWish(string.sub(ending, #place + 2))
    if not isLater(endMs, endCount, tailMs, tailCount) or not isLater(endMs, endCount, birthMs, birthCount) then
      mistaken('end')
    end
  end
  if closing ~= '' and not string.find(closing, '^%d+ %d+ ') then mistaken('closing stamp') end
  if (#args - 19) % 3 ~= 0 then mistaken('producers') end
  for index = 20, #args, 3 do
    whole(args[index + 1], MOST_EXACT, 'epoch')
    whole(args[index + 2], MOST_EXACT, 'seq')
  end
  local now = clock(args[1])
  local answer = obstacle(meta, log, tombstone, now, wish)
  if answer then return answer end
  if not taken(build, log, runs) then return { 'lost' } end
  local set, put = firstFields(wish, args[9])
  if args[11] ~= args[9] then put('f', args[11]) end
  if args[10] ~= args[9] then
    put('f', args[11])
    put('g', args[10])
  end
  put('e', ending)
  put('k', closing)
  if sequence ~= '' then
    set[#set + 1], set[#set + 2] = 's', string.sub(sequence, 2)
  end
  put('F', origin)
  for index = 20, #args, 3 do
    call('HSET', meta, 'p:' .. args[index], struct.pack(STAMP, args[index + 1] + 0, args[index + 2] + 0))
  end
  local it = {
    flags = (wish.retention ~= '' and RETAINED or 0) + (ending ~= '' and ENDED or 0)
      + (isLater(birthMs, birthCount, tailMs, tailCount) and BORN_LATE or 0),
    base = wish.base, ms = tailMs, count = tailCount, at = now, version = 1, events = events, bytes = bytes,
  }
  set[2] = hotRecord(it)
  call('HSET', meta, unpack(set))
  tell(meta, 'c ' .. args[9] .. '\n')
  if events > 0 or ending ~= '' then tell(meta, 'b ' .. args[9] .. ' ' .. markOf(meta, it) .. '\n') end
  return info(meta, log, now, it, true, 'created')
end)

-- Adds to a stream what it has gone on with where it was copied from, and perhaps its end, all with their own offsets.
register('extend', function(keys, args)
  local meta, log, build = keys[1], keys[2], keys[3]
  local fromMs, fromCount = offset(args[3], 'tail')
  local tailMs, tailCount = offset(args[4], 'new tail')
  local events, bytes = whole(args[5], MOST_EXACT, 'events'), whole(args[6], MOST_EXACT, 'bytes')
  local runs = whole(args[7], MOST_EXACT, 'runs')
  local ending, closing, sequence = args[8], args[9], args[10]
  if isLater(fromMs, fromCount, tailMs, tailCount) then mistaken('new tail') end
  if ending ~= '' then
    local place = string.match(ending, '^(%d+%-%d+) ')
    local endMs, endCount = offset(place, 'end')
    checkWish(string.sub(ending, #place + 2))
    if not isLater(endMs, endCount, tailMs, tailCount) then mistaken('end') end
  end
  if closing ~= '' and not string.find(closing, '^%d+ %d+ ') then mistaken('closing stamp') end
  if (#args - 10) % 3 ~= 0 then mistaken('producers') end
  for index = 11, #args, 3 do
    whole(args[index + 1], MOST_EXACT, 'epoch')
    whole(args[index + 2], MOST_EXACT, 'seq')
  end
  local record = call('HGET', meta, 'h')
  if not record then return absent(meta) end
  local it = hot(record)
  if call('HGET', meta, 'b') ~= args[2] then return { 'none' } end
  -- Of a stream that is imported and empty the birth is its tail.
  local isThere = it.ms == fromMs and it.count == fromCount
  if not isThere or has(it.flags, ENDED) or has(it.flags, BEHIND) then return { 'changed' } end
  if runs > 0 and call('XLEN', build) ~= runs then return { 'lost' } end
  local from = '-'
  for _ = 1, math.ceil(runs / 500) do
    local page = call('XRANGE', build, from, '+', 'COUNT', 500)
    for _, entry in ipairs(page) do
      call('XADD', log, entry[1], entry[2][1], entry[2][2])
      from = '(' .. entry[1]
    end
  end
  call('UNLINK', build)
  local previous = text(it.ms, it.count)
  local set = { 'h', '' }
  local function put(field, value)
    if value ~= '' then set[#set + 1], set[#set + 2] = field, value end
  end
  put('e', ending)
  put('k', closing)
  if sequence ~= '' then set[#set + 1], set[#set + 2] = 's', string.sub(sequence, 2) end
  for index = 11, #args, 3 do
    call('HSET', meta, 'p:' .. args[index], struct.pack(STAMP, args[index + 1] + 0, args[index + 2] + 0))
  end
  it.events, it.bytes = it.events + events, it.bytes + bytes
  it.ms, it.count, it.at, it.version = tailMs, tailCount, clock(args[1]), bumped(it.version)
  if ending ~= '' then it.flags = with(it.flags, ENDED) end
  local birthMs, birthCount = kept(args[2], 'field b')
  if not isLater(birthMs, birthCount, tailMs, tailCount) then it.flags = without(it.flags, BORN_LATE) end
  local floor, takenEvents, takenBytes = '', 0, 0
  if has(it.flags, RETAINED) then floor, takenEvents, takenBytes = trim(meta, log, it, set) end
  set[2] = hotRecord(it)
  call('HSET', meta, unpack(set))
  tell(meta, 'b ' .. previous .. ' ' .. markOf(meta, it) .. '\n')
  if floor ~= '' then tell(meta, 't ' .. floor .. '\n') end
  return { 'extended', takenEvents, takenBytes }
end)

-- Runs that a fork or an import will begin with. What is left unfinished goes after a minute.
register('build', function(keys, args)
  local build = keys[1]
  checkRuns(args, 3, 3)
  for index = 3, #args, 3 do offset(args[index], 'run') end
  if args[2] == '1' then call('UNLINK', build) end
  for index = 3, #args, 3 do call('XADD', build, args[index], args[index + 1], args[index + 2]) end
  call('PEXPIRE', build, 60000)
  return call('XLEN', build)
end)

-- Takes a stream away, and writes before that what those are told who are to be. Returns what the answer says of it from its
-- birth on.
local function removed(meta, log, tombstone, it, reason, now, outbox, notice)
  local fields = call('HMGET', meta, 'b', 'i', 'F')
  local birth = fields[1] or damaged('field b')
  local highest = latest(latest(markOf(meta, it), text(it.ms, it.count)), birth)
  local left, producers = {}, 0
  for _, field in ipairs(call('HKEYS', meta)) do
    local kind = string.sub(field, 1, 2)
    if kind == 'p:' then
      producers = producers + 1
    elseif kind == 'f:' then
      left[#left + 1] = field
      left[#left + 1] = call('HGET', meta, field)
    end
  end
  local before, index = grave(tombstone)
  index = math.max(index, tonumber(fields[2] or '0') or damaged('field i'))
  if notice then note(outbox, meta, log, it, now, 'expired', notice) end
  call('SET', tombstone, latest(before, highest) .. ' ' .. digits(index), 'PX', TOMBSTONE)
  call('UNLINK', meta, log)
  local isKept = #left > 0
  if isKept then
    if fields[3] then call('HSET', meta, 'F', fields[3]) end
    for index = 1, #left, 2 do call('HSET', meta, left[index], left[index + 1]) end
  end
  tell(meta, 'r ' .. birth .. ' ' .. reason .. '\n')
  return {
    'removed', birth, it.events, it.bytes, producers, fields[2] or '', not isKept and fields[3] or '', isKept and 1 or 0,
  }
end

register('remove', function(keys, args)
  local meta = keys[1]
  if args[2] ~= 'deleted' and args[2] ~= 'expired' then mistaken('reason') end
  local record = call('HGET', meta, 'h')
  if not record then return absent(meta) end
  if args[3] ~= '' and call('HGET', meta, 'b') ~= args[3] then return { 'none' } end
  return removed(meta, keys[2], keys[3], hot(record), args[2], clock(args[1]), keys[4], noticed(args[4] or ''))
end, { 'allow-oom' })

-- What a fork's source remembers of it ---------------------------------------------------------------------------------

register('fork_enter', function(keys, args)
  local meta = keys[1]
  if (args[3] or '') == '' or not string.find(args[4] or '', '^[^ ]+$') then mistaken('fork') end
  local record = call('HGET', meta, 'h')
  if not record then return absent(meta) end
  if args[2] ~= '' and call('HGET', meta, 'b') ~= args[2] then return { 'none' } end
  local it = hot(record)
  it.flags = with(it.flags, FORKED)
  call('HSET', meta, 'h', hotRecord(it), 'f:' .. args[3], args[4] .. ' ' .. digits(clock(args[1])))
  return { 'entered' }
end)

register('fork_leave', function(keys, args)
  local meta, field, nonce = keys[1], 'f:' .. args[2], args[3]
  local entered = call('HGET', meta, field)
  if not entered or (nonce ~= '' and string.match(entered, '^[^ ]+') ~= nonce) then return { 'none' } end
  call('HDEL', meta, field)
  if #fieldsBeginning(meta, 'f:') > 0 then return { 'left' } end
  local record = call('HGET', meta, 'h')
  if record then
    local it = hot(record)
    it.flags = without(it.flags, FORKED)
    call('HSET', meta, 'h', hotRecord(it))
    return { 'left' }
  end
  -- It was kept only for its forks.
  local origin = call('HGET', meta, 'F')
  call('DEL', meta)
  return origin and { 'left', origin } or { 'left' }
end, { 'allow-oom' })
