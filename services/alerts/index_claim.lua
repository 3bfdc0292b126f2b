-- Moves what is reached from the ladders into the stream, at most ARGV[1] alerts in one step.
-- ARGV[2] holds five lines for each claim, ARGV[3] tells how many of them to leave out:
-- base, peak or nothing, low, high, evidence.
-- Returns how many moved, and how many claims are done.
local most, skipped, moved, done = tonumber(ARGV[1]), tonumber(ARGV[3]), 0, 0
local none = math.huge

local function take(key, top, bound)
  local members, edge = ladder_take(key, top, bound, most - moved)
  moved = moved + #members
  return members, tonumber(edge or (top and '-inf' or 'inf'))
end

local function claim(base, low, high, evidence)
  local edges = redis.call('HGET', WATCHED, base)
  if not edges then return end
  local rise, fall, waits_rise, waits_fall = struct.unpack('<dddd', edges)
  local rising, falling
  if rise <= tonumber(high) then
    rising, rise = take(ladder_key('armed', base, 'rise'), false, high)
    fire(rising, evidence)
  end
  if fall >= tonumber(low) then
    falling, fall = take(ladder_key('armed', base, 'fall'), true, low)
    fire(falling, evidence)
  end
  if rise == none and fall == -none and waits_rise == -none and waits_fall == none then
    note(base)
  elseif rising or falling then
    keep_edges(base, rise, fall, waits_rise, waits_fall)
  end
end

local claims = '([^\n]*)\n([^\n]*)\n([^\n]*)\n([^\n]*)\n([^\n]*)\n'
for pair, peak, low, high, evidence in string.gmatch(ARGV[2], claims) do
  if done >= skipped then
    local base = base_at(pair, peak)
    if base then claim(base, low, high, evidence) end
    if moved >= most then return { moved, done } end
  end
  done = done + 1
end
return { moved, done }
