#!lua name=freshet1
-- The functions of a stream store on Redis. These files are one library, in the order that FunctionLibrary.swift names.
-- Keys, arguments and replies: docs/redis-functions.md. The code runs on Redis 7.0 and later, and on Valkey.
--
-- A function checks all that it was given before its first write: an error has changed nothing.

-- Raised with every change: a program loads its library where there is none or an older one.
local REVISION = 5

-- Flags of the hot record.
local ENDED = 1
-- The field `v` stands: not everything is durable.
local BEHIND = 2
local RETAINED = 4
local CLAIMED = 8
-- The birth is later than the last event: what a fork begins with, or what was imported, is older than itself.
local BORN_LATE = 16
-- Other streams began with what this one holds.
local FORKED = 32
-- The lease was last started by whoever only set it, which is no use.
local UNUSED = 64

-- Milliseconds of an offset have 48 bits, its counter 24.
local MOST_MILLISECONDS = 281474976710655
local COUNTERS = 16777216
-- What a double holds exactly.
local MOST_EXACT = 9007199254740991
-- The highest offset of a stream that is gone is remembered for a day.
local TOMBSTONE = '86400000'
-- What an item on a channel may weigh. Whoever misses a larger one reads it.
local MOST_TOLD = 262144
-- How many runs retention takes at a time for their age.
local MOST_TAKEN = 500
-- No offset at all: nothing of a new stream is durable yet.
local NOTHING = '0-0'

-- Redis gives libraries no globals while it loads them.
local call

local function damaged(what) error({ code = 'FRESHET_DAMAGED', what = what }) end

local function mistaken(what) error({ code = 'FRESHET_ARGUMENT', what = what }) end

-- One line for programs of whatever was thrown. Redis throws texts or tables, by its version.
local function explained(thrown)
  if type(thrown) == 'table' then
    if thrown.code then return thrown.code .. ' ' .. thrown.what end
    thrown = thrown.err
  end
  local said = string.gsub(tostring(thrown), '^%-', '')
  -- What Redis refuses for reasons of its own, by the word that it begins with. That a key is of another kind is none.
  if string.find(said, '^%u+ ') and not string.find(said, '^ERR ') and not string.find(said, '^WRONGTYPE ') then
    return said
  end
  said = string.gsub(said, '^[%w_@]+:%d+: ', '')
  return 'FRESHET_DAMAGED ' .. said
end

-- Registers a function whose every error is one line.
local function register(name, body, flags)
  redis.register_function({
    function_name = 'freshet1_' .. name,
    callback = function(keys, args)
      call = redis.call
      local ok, reply = pcall(body, keys, args)
      return ok and reply or redis.error_reply(explained(reply))
    end,
    flags = flags,
  })
end

-- Arguments ----------------------------------------------------------------------------------------------------------

-- A whole number of decimal digits, written in one way only.
local function whole(text, most, what)
  local number = text and string.find(text, '^%d+$') and tonumber(text)
  if not number or number > most or (#text > 1 and string.byte(text) == 48) then mistaken(what) end
  return number
end

-- The same; nil for an empty text.
local function wholeOrNil(text, most, what)
  if text == '' then return nil end
  return whole(text, most, what)
end

local function clock(text)
  if text ~= '' then return whole(text, MOST_MILLISECONDS, 'now') end
  local time = call('TIME')
  local micro = time[2] + 0
  return time[1] * 1000 + (micro - micro % 1000) / 1000
end

-- Milliseconds and counter of an offset; nil when the text is none.
local function parts(text)
  local ms, count = string.match(text, '^(%d+)%-(%d+)$')
  if not ms then return nil end
  ms, count = tonumber(ms), tonumber(count)
  if ms > MOST_MILLISECONDS or count >= COUNTERS then return nil end
  return ms, count
end

local function offset(text, what)
  local ms, count = parts(text or '')
  if not ms then mistaken(what) end
  return ms, count
end

-- What the meta says of an offset.
local function kept(text, what)
  local ms, count = parts(text or '')
  if not ms then damaged(what) end
  return ms, count
end

-- Offsets ------------------------------------------------------------------------------------------------------------

-- Lua writes 14 digits of a number by itself, and takes twice as long.
local function text(ms, count) return string.format('%d-%d', ms, count) end

local function digits(number) return string.format('%d', number) end

local function isLater(ms, count, otherMs, otherCount)
  return ms > otherMs or (ms == otherMs and count > otherCount)
end

-- The offset a number of steps later. A full counter borrows the next millisecond.
local function advanced(ms, count, steps)
  count = count + steps
  if count >= COUNTERS then
    local rest = count % COUNTERS
    ms, count = ms + (count - rest) / COUNTERS, rest
    if ms > MOST_MILLISECONDS then damaged('the offsets are used up') end
  end
  return ms, count
end

-- The next offset after one. In a new millisecond each stream begins to count elsewhere, so that no offset of one
-- stream passes for one of another.
local function minted(now, base, ms, count)
  if now > ms then return now, base end
  return advanced(ms, count, 1)
end

-- The later of two texts.
local function latest(left, right)
  local ms, count = kept(left, 'offset')
  local otherMs, otherCount = kept(right, 'offset')
  return isLater(otherMs, otherCount, ms, count) and right or left
end

-- Runs ---------------------------------------------------------------------------------------------------------------

-- How many events a run holds and what they weigh; nil when the text is not the name of a run's field.
local function measure(field)
  local count, bytes = string.match(field or '', '^(%d+):(%d+)$')
  if not count then return nil end
  count, bytes = tonumber(count), tonumber(bytes)
  if count < 1 or count > 4096 or bytes > MOST_EXACT then return nil end
  return count, bytes
end

-- The same of a run that is kept.
local function measured(entry)
  local count, bytes = measure(entry[2][1])
  if not count then damaged('run ' .. entry[1]) end
  return count, bytes
end

-- The offset of a kept run's last event.
local function lastOf(entry)
  local ms, count = kept(entry[1], 'run')
  return advanced(ms, count, measured(entry) - 1)
end

-- Checks the runs in the arguments from a place on: `step` arguments each, the last two of them field and value.
local function checkRuns(args, first, step)
  if (#args - first + 1) % step ~= 0 then mistaken('runs') end
  for index = first + step - 2, #args, step do
    if not measure(args[index]) then mistaken('run') end
  end
end

-- The hot record -----------------------------------------------------------------------------------------------------

-- What every append reads and writes is one field of 35 bytes: flags, where the counter of a new millisecond begins,
-- the last event's offset, when the lease started, how often it did, events and bytes that are kept. As text it took
-- 3.7 us more (measured).
local HOT = '>BI3I6I3I6I4I6I6'

local function has(flags, flag) return flags % (2 * flag) >= flag end

local function with(flags, flag) return has(flags, flag) and flags or flags + flag end

local function without(flags, flag) return has(flags, flag) and flags - flag or flags end

-- What the record says.
local function hot(record)
  if #record ~= 35 then damaged('field h') end
  local flags, base, ms, count, at, version, events, bytes = struct.unpack(HOT, record)
  return {
    flags = flags, base = base, ms = ms, count = count, at = at, version = version, events = events, bytes = bytes,
  }
end

local function hotRecord(it)
  return struct.pack(HOT, it.flags, it.base, it.ms, it.count, it.at, it.version, it.events, it.bytes)
end

local function bumped(version) return (version + 1) % 4294967296 end

-- What to say of a stream without a hot record.
local function absent(meta)
  return { call('EXISTS', meta) == 1 and 'gone' or 'none' }
end

-- The channel's name is the meta's with another letter.
local function tell(meta, message)
  call('PUBLISH', string.sub(meta, 1, -2) .. 'c', message)
end

-- Ends ---------------------------------------------------------------------------------------------------------------

local REASONS = { done = true, failed = true, cancelled = true, abandoned = true }

local function checkWish(wish)
  if wish == '' then return end
  if not REASONS[string.match(wish or '', '^%a+') or ''] or not string.find(wish, '^%a+$') and not string.find(wish, '^%a+ ')
  then
    mistaken('end')
  end
end

-- The offset of an end that is kept.
local function endOffset(record)
  return string.match(record or '', '^(%d+%-%d+) ') or damaged('field e')
end
