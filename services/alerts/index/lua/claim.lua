-- Moves what is reached from the ladders into the stream, at most ARGV[1] alerts in one step.
-- ARGV[2] holds five lines for each claim, ARGV[3] tells how many of them to leave out:
-- base, peak or nothing, low, high, evidence. ARGV[4] names the building of the index that was
-- looked at, '' any: nothing of another one is claimed.
-- Returns how many moved, and how many claims are done; nothing where the building is gone.
if ARGV[4] ~= '' and redis.call('GET', BUILT_FOR) ~= ARGV[4] then return false end
local most, skipped, moved, done = tonumber(ARGV[1]), tonumber(ARGV[3]), 0, 0
local none = math.huge

local function take(key, top, bound)
  local members, edge = ladder_take(key, top, bound, most - moved)
  moved = moved + #members
  return members, tonumber(edge or (top and '-inf' or 'inf'))
end

local function joined(rising, falling)
  if not rising or not falling then return rising or falling end
  for i = 1, #falling do rising[#rising + 1] = falling[i] end
  return rising
end

local function claim(base, low, high, evidence)
  local edges = redis.call('HGET', WATCHED, base)
  if not edges then return end
  local rise, fall, waits_rise, waits_fall = struct.unpack('<dddd', edges)
  local rising, falling
  if rise <= tonumber(high) then
    rising, rise = take(ladder_key('armed', base, 'rise'), false, high)
  end
  if fall >= tonumber(low) then
    falling, fall = take(ladder_key('armed', base, 'fall'), true, low)
  end
  if not rising and not falling then return end
  fire(joined(rising, falling), evidence)
  if rise == none and fall == -none and waits_rise == -none and waits_fall == none then
    note(base)
  else
    keep_edges(base, rise, fall, waits_rise, waits_fall)
  end
end

local text, start = ARGV[2], 1

local function line()
  local stop = string.find(text, '\n', start, true)
  local found = string.sub(text, start, stop - 1)
  start = stop + 1
  return found
end

while start <= #text do
  local pair, peak, low, high, evidence = line(), line(), line(), line(), line()
  if done >= skipped then
    local base = base_at(pair, peak)
    if base then claim(base, low, high, evidence) end
    if moved >= most then return { moved, done } end
  end
  done = done + 1
end
return { moved, done }
