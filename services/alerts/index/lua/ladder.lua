-- Ladders: sorted sets of members by level that stay small in memory however many entries one
-- has. Redis keeps a sorted set of at most 128 short entries in half the bytes of a larger one,
-- so a ladder is cut into rungs of at most MOST.
--
-- The lowest rung is the sorted set at the ladder's own key; `<key>:rungs` holds the bounds of
-- the others, `<key>:<bound>` the entries from that bound up to the next. Entries of one level
-- are never cut apart, so a rung of one level alone may grow. A rung without entries is gone.
-- Levels travel as text: Lua itself would write only 14 digits of a number.
local MOST, ROOM, CHUNK = 120, 8, 2000

local function rung_of(key, bound)
  return bound and key .. ':' .. bound or key
end

local function bounds(key, from, to)
  return redis.call('ZRANGEBYSCORE', key .. ':rungs', from, to)
end

local function bound_above(key, level)
  return redis.call('ZRANGEBYSCORE', key .. ':rungs', '(' .. level, '+inf', 'LIMIT', 0, 1)[1]
end

local function rung_at(key, level)
  return rung_of(key, redis.call('ZREVRANGEBYSCORE', key .. ':rungs', level, '-inf', 'LIMIT', 0, 1)[1])
end

local function edge_rung(key, top)
  if top then
    return rung_of(key, redis.call('ZREVRANGE', key .. ':rungs', '0', '0')[1])
  end
  if redis.call('EXISTS', key) == 1 then return key end
  return rung_of(key, redis.call('ZRANGE', key .. ':rungs', '0', '0')[1])
end

local function rungs_between(key, from, to)
  local lowest = string.gsub(from, '^%(', '')
  local rungs = { rung_at(key, lowest) }
  for _, bound in ipairs(bounds(key, '(' .. lowest, to)) do
    rungs[#rungs + 1] = rung_of(key, bound)
  end
  return rungs
end

local function drop_if_empty(key, rung)
  if redis.call('EXISTS', rung) == 1 then return false end
  if rung ~= key then redis.call('ZREM', key .. ':rungs', string.sub(rung, #key + 2)) end
  return true
end

local function put(rung, scored)
  for first = 1, #scored, CHUNK do
    local chunk = {}
    for i = first, math.min(first + CHUNK, #scored + 1) - 1, 2 do
      chunk[#chunk + 1], chunk[#chunk + 2] = scored[i + 1], scored[i]
    end
    redis.call('ZADD', rung, unpack(chunk))
  end
end

local function middle_of(rung, count)
  local lowest = redis.call('ZRANGE', rung, 0, 0, 'WITHSCORES')[2]
  local half = math.floor(count / 2)
  local middle = redis.call('ZRANGE', rung, half, half, 'WITHSCORES')[2]
  if tonumber(middle) > tonumber(lowest) then return middle end
  return redis.call('ZRANGEBYSCORE', rung, '(' .. lowest, '+inf', 'WITHSCORES', 'LIMIT', 0, 1)[2]
end

local function split_if_full(key, rung)
  local count = redis.call('ZCARD', rung)
  if count <= MOST then return end
  local middle = middle_of(rung, count)
  if not middle then return end
  local upper = rung_of(key, middle)
  put(upper, redis.call('ZRANGEBYSCORE', rung, middle, '+inf', 'WITHSCORES'))
  redis.call('ZREMRANGEBYSCORE', rung, middle, '+inf')
  redis.call('ZADD', key .. ':rungs', middle, middle)
  split_if_full(key, rung)
  split_if_full(key, upper)
end

-- Adds `entries` from `first` to `last`: level, member, level, member ..., lowest first for speed.
local function ladder_add(key, entries, first, last)
  local i = first
  while i <= last do
    local rung, run = rung_at(key, entries[i]), {}
    local above = i + 1 < last and bound_above(key, entries[i])
    local from, upper = tonumber(entries[i]), tonumber(above or 'inf')
    repeat
      run[#run + 1], run[#run + 2] = entries[i], entries[i + 1]
      i = i + 2
      local level = tonumber(entries[i])
    until i > last or #run >= 2 * ROOM or level < from or level >= upper
    redis.call('ZADD', rung, unpack(run))
    split_if_full(key, rung)
  end
end

-- Removes a member; without its level, or where it is not at that level, from wherever it is.
local function ladder_remove_at(key, member, level)
  local rung = rung_at(key, level)
  local removed = redis.call('ZREM', rung, member)
  if removed == 1 then drop_if_empty(key, rung) end
  return removed
end

local function ladder_remove(key, member)
  local removed = 0
  for _, rung in ipairs(rungs_between(key, '-inf', '+inf')) do
    local here = redis.call('ZREM', rung, member)
    if here == 1 then drop_if_empty(key, rung) end
    removed = removed + here
  end
  return removed
end

-- Numbers as text: Redis would write each argument that is none with 17 digits, which is slow.
local digits = setmetatable({}, {
  __index = function(known, number)
    known[number] = tostring(number)
    return known[number]
  end,
})

local function is_within(level, top, bound)
  if top then return level >= bound end
  return level <= bound
end

local function take_from(rung, top, bound, most)
  if most == 0 then return {} end
  local count = digits[most]
  local taken = top and redis.call('ZREVRANGEBYSCORE', rung, '+inf', bound, 'LIMIT', '0', count)
    or redis.call('ZRANGEBYSCORE', rung, '-inf', bound, 'LIMIT', '0', count)
  if #taken > 0 then
    redis.call('ZREMRANGEBYRANK', rung, top and digits[-#taken] or '0', top and '-1' or digits[#taken - 1])
  end
  return taken
end

local function edge_of(rung, top)
  return redis.call(top and 'ZREVRANGE' or 'ZRANGE', rung, '0', '0', 'WITHSCORES')[2]
end

-- Takes out at most `most` members: from the bottom up to the number `bound`, or from the top down
-- to it. Returns them and the level at that end of what is left, nil where nothing is. Mostly there
-- is one, which costs least.
local function ladder_take(key, top, bound, most)
  local rung, range = top and edge_rung(key, true) or key, top and 'ZREVRANGE' or 'ZRANGE'
  local two = redis.call(range, rung, '0', '1', 'WITHSCORES')
  local first, next = tonumber(two[2]), tonumber(two[4])
  if next and most > 0 and is_within(first, top, bound) and not is_within(next, top, bound) then
    redis.call('ZREMRANGEBYRANK', rung, top and '-1' or '0', top and '-1' or '0')
    return { two[1] }, next
  end
  local taken = take_from(rung, top, bound, most)
  while true do
    local edge = edge_of(rung, top)
    if edge then return taken, tonumber(edge) end
    if rung ~= key then redis.call('ZREM', key .. ':rungs', string.sub(rung, #key + 2)) end
    local bound_left = redis.call(range, key .. ':rungs', '0', '0')[1]
    if not bound_left and (rung == key or not top) then return taken, nil end
    rung = rung_of(key, bound_left)
    for _, member in ipairs(take_from(rung, top, bound, most - #taken)) do
      taken[#taken + 1] = member
    end
  end
end

local function ladder_count(key, from, to)
  local count = 0
  for _, rung in ipairs(rungs_between(key, from, to)) do
    count = count + redis.call('ZCOUNT', rung, from, to)
  end
  return count
end

local function ladder_any(key, from, to)
  for _, rung in ipairs(rungs_between(key, from, to)) do
    if redis.call('ZCOUNT', rung, from, to) > 0 then return true end
  end
  return false
end

-- member, level, member, level ... from the bottom to the top.
local function ladder_range(key, from, to)
  local found = {}
  for _, rung in ipairs(rungs_between(key, from, to)) do
    for _, text in ipairs(redis.call('ZRANGEBYSCORE', rung, from, to, 'WITHSCORES')) do
      found[#found + 1] = text
    end
  end
  return found
end

local function ladder_edge(key, top)
  return edge_of(edge_rung(key, top), top)
end

local function ladder_size(key)
  local size = 0
  for _, rung in ipairs(rungs_between(key, '-inf', '+inf')) do
    size = size + redis.call('ZCARD', rung)
  end
  return size
end

local function ladder_pour(from, to)
  for _, rung in ipairs(rungs_between(from, '-inf', '+inf')) do
    local scored, entries = redis.call('ZRANGE', rung, 0, -1, 'WITHSCORES'), {}
    for i = 1, #scored, 2 do entries[i], entries[i + 1] = scored[i + 1], scored[i] end
    ladder_add(to, entries, 1, #entries)
    redis.call('UNLINK', rung)
  end
  redis.call('UNLINK', from .. ':rungs')
end

-- The entries of whole rungs, of some CHUNK texts, from the level `from` up; the bound at which to
-- go on comes first, '' at the end.
local function ladder_page(key, from)
  local page = { from }
  repeat
    local above = bound_above(key, page[1])
    local to = above and '(' .. above or '+inf'
    for _, text in ipairs(redis.call('ZRANGEBYSCORE', rung_at(key, page[1]), page[1], to, 'WITHSCORES')) do
      page[#page + 1] = text
    end
    page[1] = above or ''
  until page[1] == '' or #page > CHUNK
  return page
end
