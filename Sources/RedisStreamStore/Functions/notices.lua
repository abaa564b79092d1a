-- What those are to be told who want to know of ends ---------------------------------------------------------------------
--
-- The entries of a stream lie in a hash beside it, in the same slot: they are written in the step that records the end, or
-- takes the stream away. Of an entry there is `e:<id>`, which says everything but the events, and `c:<id>`, the events,
-- unless they were left out; `s:<id>` once it failed or was taken up again; `k:<id>` once it is listed (outbox.lua). The
-- field `n` counts, so that entries have an order.

-- What an entry counts beside its content, and an event of that beside its data.
local ENTRY_OVERHEAD, EVENT_OVERHEAD = 512, 64

-- What a call brings for those who are to be told: behind the letters of its mode, or nothing. A node asks first with `?`
-- whether there will be anything to tell.
local function noticed(mode)
  local text = string.match(mode, '^%a* (.*)$')
  if not text or text == '?' then return text end
  local trace, most, room, rest = string.match(text, '^(%S*) (%d+) (%-?%d+)\n(.+)$')
  if not trace then mistaken('notice') end
  local notice = { trace = trace, most = tonumber(most), room = tonumber(room), receivers = {} }
  for id, receiver in string.gmatch(rest, '(%S+) ([^\n]+)') do
    notice.receivers[#notice.receivers + 1] = { id = id, name = receiver }
  end
  if #notice.receivers == 0 then mistaken('notice') end
  return notice
end

local function behindLengths(texts)
  local parts = {}
  for index, one in ipairs(texts) do parts[index] = #one .. ':' .. one end
  return table.concat(parts)
end

-- All runs of the log, each behind its offset, its field and its length.
local function contentOf(log)
  local parts, from = {}, '-'
  repeat
    local page = call('XRANGE', log, from, '+', 'COUNT', 64)
    for _, entry in ipairs(page) do
      local body = entry[2][2]
      parts[#parts + 1] = entry[1] .. ' ' .. entry[2][1] .. ' ' .. #body .. '\n' .. body
      from = '(' .. entry[1]
    end
  until #page < 64
  return table.concat(parts)
end

-- Writes an entry for each who is to be told: that the stream ended, or before it goes, that it expired.
local function note(outbox, meta, log, it, now, occasion, notice)
  local fields = call('HMGET', meta, 'b', 'f', 'e', 'z')
  local birth = fields[1] or damaged('field b')
  local size = it.bytes + it.events * EVENT_OVERHEAD
  local room, content = notice.room, nil
  for _, receiver in ipairs(notice.receivers) do
    local omission, cost = '', ENTRY_OVERHEAD
    if size > notice.most then
      omission = 'too-large'
    elseif size > room then
      omission = 'backlog'
    else
      content = content or contentOf(log)
      call('HSET', outbox, 'c:' .. receiver.id, content)
      cost = cost + size
    end
    room = room - cost
    local number = call('HINCRBY', outbox, 'n', 1)
    call('HSET', outbox, 'e:' .. receiver.id, digits(number) .. ' ' .. digits(cost) .. ' ' .. behindLengths({
      occasion, receiver.name, digits(now), notice.trace, birth, fields[2] or birth, text(it.ms, it.count), fields[3] or '',
      digits(it.events), digits(it.bytes), fields[4] or damaged('field z'), omission,
    }))
  end
end
