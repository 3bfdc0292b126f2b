-- For bases (ARGV[1], one a line) with four numbers each (ARGV[2], packed: seen low and high,
-- possible low and high): the place of each that is not quiet, and what it is:
-- 1 reached + 2 crossed + 4 undecided.
local function exact(number) return string.format('%.17g', number) end

local function undecided(base, seen_low, seen_high, low, high)
  if seen_low == low and seen_high == high then return false end
  local sl, sh, pl, ph = exact(seen_low), exact(seen_high), exact(low), exact(high)
  for _, direction in ipairs(DIRECTIONS) do
    local armed = ladder_key('armed', base, direction)
    local waiting = ladder_key('waiting', base, direction)
    if ladder_any(armed, '(' .. sh, ph) or ladder_any(armed, pl, '(' .. sl)
      or ladder_any(waiting, sh, '(' .. ph) or ladder_any(waiting, '(' .. pl, sl) then
      return true
    end
  end
  return false
end

local function look(base, edges, sl, sh, pl, ph)
  local rise, fall, waits_rise, waits_fall = struct.unpack('<dddd', edges)
  local low, high = math.min(sl, sh, pl, ph), math.max(sl, sh, pl, ph)
  if rise > high and fall < low and waits_rise < low and waits_fall > high then return 0 end
  local verdict = 0
  if rise <= sh or fall >= sl then verdict = verdict + 1 end
  if waits_rise > sl or waits_fall < sh then verdict = verdict + 2 end
  if undecided(base, sl, sh, pl, ph) then verdict = verdict + 4 end
  return verdict
end

local found, place, chunk = {}, 0, {}

local function look_at_chunk()
  local edges = redis.call('HMGET', WATCHED, unpack(chunk))
  for i = 1, #chunk do
    if edges[i] then
      local verdict = look(chunk[i], edges[i], struct.unpack('<dddd', ARGV[2], place * 32 + 1))
      if verdict > 0 then found[#found + 1], found[#found + 2] = place, verdict end
    end
    place = place + 1
  end
  chunk = {}
end

for base in string.gmatch(ARGV[1], '[^\n]+') do
  chunk[#chunk + 1] = base
  if #chunk == 1000 then look_at_chunk() end
end
if #chunk > 0 then look_at_chunk() end
return found
