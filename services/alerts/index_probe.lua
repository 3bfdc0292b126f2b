-- For bases (ARGV[1], one a line) with four numbers each (ARGV[2], packed: seen low and high,
-- possible low and high): the place of each that is not quiet, and what it is:
-- 1 reached + 2 crossed + 4 undecided.
local function exact(number) return string.format('%.17g', number) end

-- Whether a level of one ladder lies where the metric may have been unseen; `edge` spares looking.
local function hides(key, edge, sl, sh, pl, ph, armed)
  if edge == math.huge or edge == -math.huge then return false end
  if armed then
    return ph > sh and ladder_any(key, '(' .. exact(sh), exact(ph))
      or pl < sl and ladder_any(key, exact(pl), '(' .. exact(sl))
  end
  return ph > sh and ladder_any(key, exact(sh), '(' .. exact(ph))
    or pl < sl and ladder_any(key, '(' .. exact(pl), exact(sl))
end

local function undecided(base, edges, sl, sh, pl, ph)
  for i, role in ipairs(ROLES) do
    for j, direction in ipairs(DIRECTIONS) do
      local key = ladder_key(role, base, direction)
      if hides(key, edges[2 * i - 2 + j], sl, sh, pl, ph, role == 'armed') then return true end
    end
  end
  return false
end

local function look(base, rise, fall, waits_rise, waits_fall, sl, sh, pl, ph)
  local verdict = 0
  if rise <= sh or fall >= sl then verdict = verdict + 1 end
  if waits_rise > sl or waits_fall < sh then verdict = verdict + 2 end
  if (sl ~= pl or sh ~= ph)
    and undecided(base, { rise, fall, waits_rise, waits_fall }, sl, sh, pl, ph) then
    verdict = verdict + 4
  end
  return verdict
end

local found, place, chunk, numbers, read = {}, 0, {}, ARGV[2], struct.unpack

local function look_at_chunk()
  local edges = redis.call('HMGET', WATCHED, unpack(chunk))
  for i = 1, #chunk do
    if edges[i] then
      local r, f, wr, wf = read('<dddd', edges[i])
      local sl, sh, pl, ph = read('<dddd', numbers, place * 32 + 1)
      local quiet = r > sh and r > ph and f < sl and f < pl and wr < sl and wr < pl
        and wf > sh and wf > ph and (sl <= sh or r > sl and f < sh and wr < sh and wf > sl)
      if not quiet then
        local verdict = look(chunk[i], r, f, wr, wf, sl, sh, pl, ph)
        if verdict > 0 then found[#found + 1], found[#found + 2] = place, verdict end
      end
    end
    place = place + 1
  end
end

local size = 0
for base in string.gmatch(ARGV[1], '[^\n]+') do
  size = size + 1
  chunk[size] = base
  if size == 1000 then
    look_at_chunk()
    chunk, size = {}, 0
  end
end
if size > 0 then look_at_chunk() end
return found
