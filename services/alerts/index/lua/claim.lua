-- Moves what is reached from the ladders into the stream, at most ARGV[1] alerts in one step.
-- ARGV[2] holds five lines for each claim: base, peak or nothing, low, high, and the length of its
-- evidence, which stands in a line of ARGV[3]. ARGV[4] tells how many claims to leave out; ARGV[5]
-- names the building of the index that was looked at, '' any: nothing of another one is claimed.
-- Returns how many moved, and how many claims are done; nothing where the building is gone.
if ARGV[5] ~= '' and redis.call('GET', BUILT_FOR) ~= ARGV[5] then return false end
local most, skipped, moved, done = tonumber(ARGV[1]), tonumber(ARGV[4]), 0, 0
local none, PER_ENTRY = math.huge, 100

-- The entry of the stream that is being made: the alerts that each claim moved, where its
-- evidence begins and ends, and how many had moved before.
local alerts, begins, ends, before = {}, 1, 0, 0

local function room()
  return math.min(PER_ENTRY - (moved - before), most - moved)
end

local function close_entry(next)
  if moved > before then
    fire(table.concat(alerts, '\n'), string.sub(ARGV[3], begins, ends - 1))
  end
  alerts, begins, before = {}, next, moved
end

local function take(key, top, bound)
  local members, edge = ladder_take(key, top, bound, room())
  moved = moved + #members
  return members, tonumber(edge or (top and '-inf' or 'inf'))
end

local function joined(rising, falling)
  if not rising or not falling then return rising or falling end
  for i = 1, #falling do rising[#rising + 1] = falling[i] end
  return rising
end

-- Takes out what is reached; nothing where nothing is.
local function claim(base, low, high)
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
  if rise == none and fall == -none and waits_rise == -none and waits_fall == none then
    note(base)
  else
    keep_edges(base, rise, fall, waits_rise, waits_fall)
  end
  return joined(rising, falling)
end

local line = '([^\n]*)\n'
for pair, peak, low, high, length in string.gmatch(ARGV[2], string.rep(line, 5)) do
  if moved == most then break end
  local evidence = ends + 1
  ends = ends + tonumber(length)
  if done < skipped then
    begins = ends + 1
  else
    local base = base_at(pair, peak)
    repeat
      local members = base and claim(base, low, high)
      alerts[#alerts + 1] = members and table.concat(members, ' ') or ''
      local full = room() == 0
      if full then close_entry(evidence) end
    until not full or moved == most
  end
  done = done + 1
end
close_entry()
return { moved, moved < most and done or done - 1 }
