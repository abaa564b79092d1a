-- The list of all that is to be told -------------------------------------------------------------------------------------
--
-- An entry has a number once it is listed, and none is told before that. A name is entered before its stream ends, and left
-- when what lies beside it is listed, so that an end whose node dies in between is found.

-- Numbers follow the clock, so that none is given twice though a master was lost that had given some.
local NUMBERS = 4096

register('outbox_enter', function(keys, args)
  local entered, name = keys[1], args[2]
  if (name or '') == '' then mistaken('name') end
  local moment = clock(args[1]) + whole(args[3], MOST_MILLISECONDS, 'after')
  -- No two enter it with one moment: who leaves takes only what it entered.
  local before = call('ZSCORE', entered, name)
  if before then moment = math.max(moment, before + 1) end
  call('ZADD', entered, digits(moment), name)
  return moment
end, { 'allow-oom' })

-- Names that were entered, and should have been left by now.
register('outbox_due', function(keys, args)
  local limit = whole(args[2], 10000, 'limit')
  local found = call('ZRANGEBYSCORE', keys[1], '-inf', digits(clock(args[1])), 'WITHSCORES', 'LIMIT', 0, limit)
  for index = 2, #found, 2 do found[index] = digits(tonumber(found[index])) end
  return found
end, { 'no-writes' })

-- What lies beside a stream and is not listed, in its order; nothing of an end that is not durable yet.
register('outbox_unlisted', function(keys, args)
  local outbox, meta = keys[1], keys[2]
  local record = call('HGET', meta, 'h')
  if record and has(hot(record).flags, BEHIND) then return { 'behind' } end
  local found = {}
  for _, id in ipairs(fieldsBeginning(outbox, 'e:')) do
    if call('HEXISTS', outbox, 'k:' .. id) == 0 then
      local entry = call('HGET', outbox, 'e:' .. id)
      local number, cost = string.match(entry, '^(%d+) (%d+) ')
      -- What is damaged keeps nobody else from being told.
      if number then
        local omission = string.match(entry, ':([%a-]+)$')
        found[#found + 1] = { number = tonumber(number), id = id, cost = cost, omission = omission or '' }
      end
    end
  end
  table.sort(found, function(left, right) return left.number < right.number end)
  local answer = { 'unlisted' }
  for _, one in ipairs(found) do
    local place = #answer
    answer[place + 1], answer[place + 2], answer[place + 3] = one.id, one.cost, one.omission
  end
  return answer
end, { 'no-writes' })

local function sums(keys)
  return {
    'sums', tonumber(call('HGET', keys[2], '') or '0'), call('ZCARD', keys[1]), call('SCARD', keys[3]),
  }
end

-- Numbers entries of a stream, and leaves its name. `rows` has `<id> <name>` by number, `costs` what each counts, and what
-- all do under the empty name.
register('outbox_list', function(keys, args)
  local rows, costs, entered, name = keys[1], keys[2], keys[4], args[2]
  if (name or '') == '' or #args % 2 ~= 1 then mistaken('arguments') end
  for index = 4, #args, 2 do
    if not string.find(args[index], '^%S+$') then mistaken('id') end
    whole(args[index + 1], MOST_EXACT, 'cost')
  end
  local now = clock(args[1])
  for index = 4, #args, 2 do
    local row = args[index] .. ' ' .. name
    if call('HEXISTS', costs, row) == 0 then
      local last = call('ZREVRANGE', rows, 0, 0, 'WITHSCORES')[2]
      local number = math.max(now * NUMBERS, (tonumber(call('HGET', costs, 'last') or '0') or 0) + 1, (last or 0) + 1)
      call('HSET', costs, row, args[index + 1], 'last', digits(number))
      call('HINCRBY', costs, '', args[index + 1])
      call('ZADD', rows, digits(number), row)
    end
  end
  if args[3] ~= '' and tonumber(call('ZSCORE', entered, name) or '') == tonumber(args[3]) then
    call('ZREM', entered, name)
  end
  return sums(keys)
end, { 'allow-oom' })

-- Remembers beside the stream that entries are listed.
register('outbox_listed', function(keys, args)
  for index = 2, #args do
    if call('HEXISTS', keys[1], 'e:' .. args[index]) == 1 then call('HSET', keys[1], 'k:' .. args[index], '1') end
  end
  return { 'listed' }
end, { 'allow-oom' })

-- Rows after a number, in order: number, row, number, row.
register('outbox_rows', function(keys, args)
  local after, limit = whole(args[2], MOST_EXACT, 'after'), whole(args[3], 10000, 'limit')
  local found = call('ZRANGEBYSCORE', keys[1], '(' .. digits(after), '+inf', 'WITHSCORES', 'LIMIT', 0, limit)
  local answer = {}
  for index = 1, #found, 2 do
    answer[index], answer[index + 1] = digits(tonumber(found[index + 1])), found[index]
  end
  return answer
end, { 'no-writes' })

-- What becomes of an entry: it is taken away, failed for a reason, or is told anew.
register('outbox_change', function(keys, args)
  local outbox, id, change = keys[1], args[2], args[3]
  if call('HEXISTS', outbox, 'e:' .. id) == 0 then return 0 end
  if change == 'remove' then
    call('HDEL', outbox, 'e:' .. id, 'c:' .. id, 's:' .. id, 'k:' .. id)
    -- Nothing but the count.
    if call('HLEN', outbox) == 1 then call('DEL', outbox) end
  elseif change == 'fail' then
    local since = string.match(call('HGET', outbox, 's:' .. id) or '', '^%d*')
    call('HSET', outbox, 's:' .. id, since .. ' ' .. (args[4] or mistaken('reason')))
  elseif change == 'retry' then
    call('HSET', outbox, 's:' .. id, digits(clock(args[1])))
  else
    mistaken('change')
  end
  return 1
end, { 'allow-oom' })

-- The same for its row. `again` has rows of entries that somebody wants told now, for the node that tells.
register('outbox_row', function(keys, args)
  local rows, costs, failed, again, row, change = keys[1], keys[2], keys[3], keys[4], args[2], args[3]
  if change == 'remove' then
    local cost = call('HGET', costs, row)
    if cost then call('HINCRBY', costs, '', '-' .. cost) end
    call('HDEL', costs, row)
    call('ZREM', rows, row)
    call('SREM', failed, row)
  elseif change == 'fail' then
    if call('HEXISTS', costs, row) == 1 then call('SADD', failed, row) end
  elseif change == 'retry' then
    call('SREM', failed, row)
    if call('HEXISTS', costs, row) == 1 then call('RPUSH', again, row) end
  else
    mistaken('change')
  end
  return sums(keys)
end, { 'allow-oom' })

-- What all nodes want to know with each beat: the sums, and which session tells.
register('outbox_look', function(keys)
  local answer = sums(keys)
  answer[5] = call('GET', keys[4]) or ''
  return answer
end, { 'no-writes' })

-- The rows of which somebody wants the entries told now.
register('outbox_again', function(keys)
  local rows = call('LRANGE', keys[1], 0, 999)
  call('LTRIM', keys[1], #rows, -1)
  local answer = {}
  for _, row in ipairs(rows) do
    local number = call('ZSCORE', keys[2], row)
    if number then
      answer[#answer + 1] = digits(tonumber(number))
      answer[#answer + 1] = row
    end
  end
  return answer
end, { 'allow-oom' })

-- A session tells instead of another one, or of nobody; the empty one gives it up. Returns who does.
register('outbox_lead', function(keys, args)
  local leader = call('GET', keys[1]) or ''
  if leader ~= args[2] then return leader end
  if args[3] == '' then call('DEL', keys[1]) else call('SET', keys[1], args[3]) end
  return args[3]
end, { 'allow-oom' })
