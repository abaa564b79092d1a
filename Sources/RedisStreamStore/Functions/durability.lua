-- What readers may see, and what retention takes -----------------------------------------------------------------------

-- The highest offset the stream gave: of its end, of its last event, of its birth.
local function markOf(meta, it)
  if has(it.flags, ENDED) then return endOffset(call('HGET', meta, 'e')) end
  if has(it.flags, BORN_LATE) then return call('HGET', meta, 'b') or damaged('field b') end
  return text(it.ms, it.count)
end

-- Up to where to confirm before an answer may be given; empty when everything is durable.
local function lagOf(meta, it)
  return has(it.flags, BEHIND) and markOf(meta, it) or ''
end

-- Takes from the start what retention no longer keeps, whole runs only, and never what is not durable. Changes the record
-- and adds to the fields to set.
--
-- The first run's weight is kept in the field `d`, so that nothing is read while there is nothing to take. What is too old,
-- kept before a moment, may be much after an outage: not all of it is taken at once, since Redis does nothing else meanwhile.
--
-- Returns the new floor, empty for none, and events and bytes that were taken.
local function trim(meta, log, it, set, cutoff)
  local rule = call('HMGET', meta, 'r', 'd', 'v')
  local mostEvents, mostBytes = string.match(rule[1] or '', '^(%d*),(%d*),%d*$')
  if not mostEvents then damaged('field r') end
  mostEvents, mostBytes = tonumber(mostEvents), tonumber(mostBytes)
  local durableMs, durableCount
  if has(it.flags, BEHIND) then durableMs, durableCount = kept(rule[3], 'field v') end

  local function isOver(entryMs, events, bytes)
    return (mostEvents and it.events - events >= mostEvents)
      or (mostBytes and (it.bytes - bytes >= mostBytes or (events == 1 and it.bytes > mostBytes)))
      or (cutoff and entryMs <= cutoff)
  end

  if it.events == 0 then return '', 0, 0 end
  if rule[2] and not cutoff then
    local events, bytes = measure(rule[2])
    if events and not isOver(nil, events, bytes) then return '', 0, 0 end
  end
  local floorMs, floorCount, oldest
  local takenEvents, takenBytes, runs = 0, 0, 0
  local from, page = '-', 2
  repeat
    local entries = call('XRANGE', log, from, '+', 'COUNT', page)
    for _, entry in ipairs(entries) do
      local events, bytes = measured(entry)
      local lastMs, lastCount = lastOf(entry)
      local entryMs = kept(entry[1], 'run')
      if not isOver(entryMs, events, bytes) or (durableMs and isLater(lastMs, lastCount, durableMs, durableCount)) then
        oldest = entry[2][1]
        break
      end
      floorMs, floorCount = lastMs, lastCount
      it.events, it.bytes = it.events - events, it.bytes - bytes
      takenEvents, takenBytes = takenEvents + events, takenBytes + bytes
      from = '(' .. entry[1]
      runs = runs + 1
    end
    local isLast = #entries < page
    page = page < 64 and page * 2 or page
  until oldest or isLast or (cutoff and runs >= MOST_TAKEN)
  set[#set + 1] = 'd'
  set[#set + 1] = oldest or ''
  if not floorMs then return '', 0, 0 end
  call('XTRIM', log, 'MINID', '=', text(advanced(floorMs, floorCount, 1)))
  local floor = text(floorMs, floorCount)
  set[#set + 1] = 'f'
  set[#set + 1] = floor
  return floor, takenEvents, takenBytes
end

-- The message of an item: runs as Redis gives them, after an offset.
local function item(previous, mark, entries, ending)
  local header, bodies, size = { 'i', previous, mark, #entries }, {}, 0
  for index, entry in ipairs(entries) do
    local body = entry[2][2]
    size = size + #body
    if size > MOST_TOLD then return 'b ' .. previous .. ' ' .. mark .. '\n' end
    header[#header + 1] = entry[1]
    header[#header + 1] = entry[2][1]
    header[#header + 1] = #body
    bodies[index] = body
  end
  return table.concat(header, ' ') .. '\n' .. table.concat(bodies) .. ending
end

-- Raises the durable mark and tells of what lies between. Changes the record, whose other fields the caller has written,
-- and writes it. Nothing happens when the mark is there already, or `upto` belongs to a stream that was here before.
--
-- Returns what `trim` does.
local function raise(meta, log, it, upto)
  if not has(it.flags, BEHIND) then return '', 0, 0 end
  local fields = call('HMGET', meta, 'v', 'b', 'e', 'g')
  local durable, birth, ending = fields[1], fields[2], ''
  local durableMs, durableCount = kept(durable, 'field v')
  local mark = markOf(meta, it)
  local markMs, markCount = kept(mark, 'mark')
  local ms, count = kept(upto, 'mark')
  local birthMs, birthCount = kept(birth, 'field b')
  local isAll = not isLater(markMs, markCount, ms, count)
  if isLater(birthMs, birthCount, ms, count) or not (isAll or isLater(ms, count, durableMs, durableCount)) then
    return '', 0, 0
  end
  if isAll then upto, ms, count = mark, markMs, markCount end
  if isAll and fields[3] then ending = fields[3] end

  local set = { 'h', '' }
  if isAll then
    it.flags = without(it.flags, BEHIND)
    call('HDEL', meta, 'v')
  else
    call('HSET', meta, 'v', upto)
  end
  if durable == NOTHING then tell(meta, 'c ' .. birth .. '\n') end
  if durable == NOTHING or (durable == birth and fields[4]) then
    -- What a fork begins with may be more than a message holds, and its tail is not its birth.
    if it.events > 0 or ending ~= '' then tell(meta, 'b ' .. birth .. ' ' .. upto .. '\n') end
  else
    local entries, size, from = {}, 0, '(' .. durable
    repeat
      local page = call('XRANGE', log, from, upto, 'COUNT', 16)
      for _, entry in ipairs(page) do
        entries[#entries + 1] = entry
        size = size + #entry[2][2]
        from = '(' .. entry[1]
      end
    until #page < 16 or size > MOST_TOLD
    if #entries > 0 or ending ~= '' then tell(meta, item(durable, upto, entries, ending)) end
  end
  local floor, takenEvents, takenBytes = '', 0, 0
  if has(it.flags, RETAINED) then floor, takenEvents, takenBytes = trim(meta, log, it, set) end
  set[2] = hotRecord(it)
  call('HSET', meta, unpack(set))
  if floor ~= '' then tell(meta, 't ' .. floor .. '\n') end
  return floor, takenEvents, takenBytes
end
