-- What is of all nodes and of no stream ------------------------------------------------------------------------------------

register('revision', function() return REVISION end, { 'no-writes' })

-- The index of names. The version of an entry is a time, and no other entry of the shard has it.
register('index_enter', function(keys, args)
  if (args[2] or '') == '' then mistaken('name') end
  local version = math.max(clock(args[1]), (tonumber(call('GET', keys[3]) or '0') or damaged('index')) + 1)
  local written = digits(version)
  call('SET', keys[3], written)
  call('ZADD', keys[1], 0, args[2])
  call('HSET', keys[2], args[2], written)
  return version
end)

register('index_drop', function(keys, args)
  local name, version = args[2], args[3]
  local age = whole(args[4], MOST_MILLISECONDS, 'age')
  local entered = call('HGET', keys[2], name)
  if entered and version ~= '' and version ~= entered then return 0 end
  if entered and age > 0 and clock(args[1]) - (tonumber(entered) or 0) < age then return 0 end
  call('HDEL', keys[2], name)
  call('ZREM', keys[1], name)
  return 1
end, { 'allow-oom' })

-- Due times. Who looks at a name moves its time forward first and holds a token, which whoever enters the name again takes
-- away: what was entered meanwhile is never overwritten.
register('due_enter', function(keys, args)
  local after = wholeOrNil(args[3], MOST_MILLISECONDS, 'in')
  local moment = wholeOrNil(args[4], MOST_EXACT, 'at')
  if (args[2] or '') == '' or not (after or moment) then mistaken('due') end
  local now = clock(args[1])
  call('HDEL', keys[2], args[2])
  call('ZADD', keys[1], 'LT', digits(earlier(moment, after and now + after)), args[2])
  return now
end, { 'allow-oom' })

register('due_take', function(keys, args)
  local limit, hold = whole(args[2], 10000, 'limit'), whole(args[3], MOST_MILLISECONDS, 'hold')
  if hold == 0 then mistaken('hold') end
  local now = clock(args[1])
  local taken = {}
  for _, name in ipairs(call('ZRANGEBYSCORE', keys[1], '-inf', digits(now), 'LIMIT', 0, limit)) do
    -- No stream has an empty name.
    local token = digits(call('HINCRBY', keys[2], '', 1))
    call('ZADD', keys[1], digits(now + hold), name)
    call('HSET', keys[2], name, token)
    taken[#taken + 1] = name
    taken[#taken + 1] = token
  end
  return taken
end, { 'allow-oom' })

register('due_settled', function(keys, args)
  local name = args[2]
  local after = wholeOrNil(args[4], MOST_MILLISECONDS, 'next')
  if call('HGET', keys[2], name) ~= args[3] then return 0 end
  call('HDEL', keys[2], name)
  if after then
    call('ZADD', keys[1], digits(clock(args[1]) + after), name)
  else
    call('ZREM', keys[1], name)
  end
  return 1
end, { 'allow-oom' })

-- Sessions of nodes. What a node says of itself comes with its beat, with the milliseconds since it said so, and goes when it
-- is buried.
register('session_beat', function(keys, args)
  local beats, buried, reports, session, report = keys[1], keys[2], keys[3], args[2], args[4]
  if (session or '') == '' or string.find(session, '.', 1, true) then mistaken('session') end
  local age = report and whole(args[5], MOST_MILLISECONDS, 'age')
  if args[3] == '1' and call('HEXISTS', buried, session) == 0 then
    call('HSETNX', beats, session, 0)
  elseif call('HEXISTS', beats, session) == 0 then
    return { 'buried' }
  end
  call('HINCRBY', beats, session, 1)
  local now = clock(args[1])
  if report then
    call('HSET', reports, session, digits(math.max(0, now - age)) .. ' ' .. report)
  elseif reports then
    call('HDEL', reports, session)
  end
  return { 'alive', now, call('HGETALL', beats), call('HKEYS', buried) }
end, { 'allow-oom' })

-- Notes that a session is about to claim a stream, so that whoever buries it finds the claim: its number and the name. That
-- raises the count, so that the session has the full time once more.
register('session_note', function(keys, args)
  local beats, session = keys[1], args[2]
  if not string.find(args[3] or '', '^[^ ]+ .') then mistaken('claim') end
  if call('HEXISTS', beats, session) == 0 then return { 'buried' } end
  call('HINCRBY', beats, session, 1)
  call('SADD', keys[3], args[3])
  return { 'noted', clock(args[1]) }
end)

register('session_unnote', function(keys, args)
  return call('SREM', keys[1], args[2])
end, { 'allow-oom' })

register('session_bury', function(keys, args)
  local beats, buried, session = keys[1], keys[2], args[2]
  if call('HEXISTS', buried, session) == 1 then return 1 end
  if call('HGET', beats, session) ~= args[3] then return 0 end
  call('HDEL', beats, session)
  if keys[3] then call('HDEL', keys[3], session) end
  call('HSET', buried, session, digits(clock(args[1])))
  return 1
end, { 'allow-oom' })

-- Takes what was released of a buried session's notes, and says which are left; without any it is forgotten.
register('session_release', function(keys, args)
  local buried, noted, session = keys[1], keys[2], args[2]
  if call('HEXISTS', buried, session) == 0 then return {} end
  for index = 3, #args do call('SREM', noted, args[index]) end
  local left = call('SRANDMEMBER', noted, 1000)
  if #left == 0 then call('HDEL', buried, session) end
  return left
end, { 'allow-oom' })

register('usage', function(keys, args)
  local function change(field, text)
    if not string.find(text or '', '^%-?%d+$') then mistaken(field) end
    return text
  end
  local streams, bytes = change('streams', args[2]), change('bytes', args[3])
  return { call('HINCRBY', keys[1], 'streams', streams), call('HINCRBY', keys[1], 'bytes', bytes) }
end, { 'allow-oom' })
