-- Moves what is reached from the ladders into the stream, at most ARGV[1] alerts in one step, of
-- the building of the index that ARGV[2] names, '' any: nothing of another one is claimed.
-- ARGV[3] holds claims as records of CLAIM, ARGV[4] the lines of their evidence, and ARGV from 5
-- on their bases. Returns how many moved, and how many claims are done; nothing where the
-- building is gone.
if ARGV[2] ~= '' and redis.call('GET', BUILT_FOR) ~= ARGV[2] then return false end
-- Low, high, a peak (NaN is none), and the length of the evidence.
local CLAIM = '<dddI4'
local most, moved, done = tonumber(ARGV[1]), 0, 0
local none, PER_ENTRY, FIRST_BASE = math.huge, 100, 5

-- Edges of bases as they are, and as they will be: all are read and kept at once.
local edges, changed = redis.call('HMGET', WATCHED, unpack(ARGV, FIRST_BASE)), {}

local function edges_of(base, i, is_cohort)
  if changed[base] ~= nil then return changed[base] end
  return is_cohort and redis.call('HGET', WATCHED, base) or not is_cohort and edges[i]
end

local function keep_changed()
  local kept = {}
  for base, packed in pairs(changed) do
    if packed then kept[#kept + 1], kept[#kept + 2] = base, packed end
  end
  if #kept > 0 then redis.call('HSET', WATCHED, unpack(kept)) end
end

-- The entry of the stream that is being made: the alerts that each claim moved, where its
-- evidence begins and ends, and how many had moved before.
local alerts, begins, ends, before = {}, 1, 0, 0

local function room()
  return math.min(PER_ENTRY - (moved - before), most - moved)
end

local function close_entry(next)
  if moved > before then
    fire(table.concat(alerts, '\n'), string.sub(ARGV[4], begins, ends - 1))
  end
  alerts, begins, before = {}, next, moved
end

local function take(key, top, bound)
  local members, edge = ladder_take(key, top, bound, room())
  moved = moved + #members
  return members, edge or (top and -none or none)
end

local function joined(rising, falling)
  if not rising or not falling then return rising or falling end
  for i = 1, #falling do rising[#rising + 1] = falling[i] end
  return rising
end

-- Takes out what is reached; nothing where nothing is.
local function claim(base, packed, low, high)
  local rise, fall, waits_rise, waits_fall = struct.unpack('<dddd', packed)
  local rising, falling
  if rise <= high then
    rising, rise = take(ladder_key('armed', base, 'rise'), false, high)
  end
  if fall >= low then
    falling, fall = take(ladder_key('armed', base, 'fall'), true, low)
  end
  if not rising and not falling then return end
  if rise == none and fall == -none and waits_rise == -none and waits_fall == none then
    note(base)
    changed[base] = false
  else
    changed[base] = struct.pack('<dddd', rise, fall, waits_rise, waits_fall)
  end
  return joined(rising, falling)
end

local at, low, high, peak, length = 1
while at <= #ARGV[3] and moved < most do
  low, high, peak, length, at = struct.unpack(CLAIM, ARGV[3], at)
  local evidence, base, is_cohort = ends + 1, ARGV[FIRST_BASE + done], peak == peak
  if is_cohort then base = base_at(base, peak) end
  ends = ends + length
  done = done + 1
  repeat
    local packed = base and edges_of(base, done, is_cohort)
    local members = packed and claim(base, packed, low, high)
    alerts[#alerts + 1] = members and table.concat(members, ' ') or ''
    local full = room() == 0
    if full then close_entry(evidence) end
  until not full or moved == most
end
close_entry()
keep_changed()
return { moved, moved < most and done or done - 1 }
