-- The armed index, on ladders. A base is `symbol:metric`, for a cohort of trailing alerts
-- `symbol:metric@cohort`. The hash `armed:watched` holds each base in use, with the edges of its
-- four ladders: the lowest armed rising level, the highest armed falling, the highest waiting
-- rising and the lowest waiting falling one. So a quiet symbol costs one look into that hash.
local WATCHED, FRESH, FIRED, COHORTS = 'armed:watched', 'armed:fresh', 'fired', 'armed:cohorts'
local BUILT_FOR = 'armed:built-for'
local ROLES, DIRECTIONS, MANY = { 'armed', 'waiting' }, { 'rise', 'fall' }, 500

local function ladder_key(role, base, direction)
  return role .. ':' .. base .. ':' .. direction
end

local function fresh_on(symbol, metric)
  local key = 'fresh:' .. symbol
  local count = redis.call('HLEN', key)
  if count == 0 or count > MANY then return count > 0 end
  for _, text in ipairs(redis.call('HVALS', key)) do
    if string.find(text, '"metric":"' .. metric .. '"', 1, true) then return true end
  end
  return false
end

local function keep_edges(base, rise, fall, waits_rise, waits_fall)
  redis.call('HSET', WATCHED, base, struct.pack('<dddd', rise, fall, waits_rise, waits_fall))
end

-- Keeps the edges of a base as they are now, and forgets one that no alert waits on.
local function note(base)
  local rise = ladder_edge('armed:' .. base .. ':rise', false)
  local fall = ladder_edge('armed:' .. base .. ':fall', true)
  local waits_rise = ladder_edge('waiting:' .. base .. ':rise', true)
  local waits_fall = ladder_edge('waiting:' .. base .. ':fall', false)
  local symbol, metric, cohort = string.match(base, '^([^:]+):([^@]+)@?(.*)$')
  local settled = rise or fall or waits_rise or waits_fall
  if settled or cohort == '' and fresh_on(symbol, metric) then
    return keep_edges(base, tonumber(rise or 'inf'), tonumber(fall or '-inf'),
      tonumber(waits_rise or '-inf'), tonumber(waits_fall or 'inf'))
  end
  redis.call('HDEL', WATCHED, base)
  if cohort ~= '' then redis.call('ZREM', 'peaks:' .. symbol .. ':' .. metric, cohort) end
end

local function cohort_base(base, cohort)
  return base .. '@' .. cohort
end

local function bases_of(base)
  local bases = { base }
  for _, cohort in ipairs(redis.call('ZRANGE', 'peaks:' .. base, 0, -1)) do
    bases[#bases + 1] = cohort_base(base, cohort)
  end
  return bases
end

-- The base of the cohort that has this peak, '' being none; nil where there is no such cohort.
local function base_at(base, peak)
  if peak == '' then return base end
  local cohort = redis.call('ZRANGEBYSCORE', 'peaks:' .. base, peak, peak, 'LIMIT', 0, 1)[1]
  return cohort and cohort_base(base, cohort)
end

local function base_for(base, peak)
  local found = base_at(base, peak)
  if found then return found end
  local cohort = redis.call('INCR', COHORTS)
  redis.call('ZADD', 'peaks:' .. base, peak, cohort)
  return cohort_base(base, cohort)
end

local function remove_fresh(symbol, member)
  local removed = redis.call('HDEL', 'fresh:' .. symbol, member)
  if removed == 1 and redis.call('EXISTS', 'fresh:' .. symbol) == 0 then
    redis.call('SREM', FRESH, symbol)
  end
  return removed
end

local function each_ladder(bases, how)
  for _, base in ipairs(bases) do
    for _, role in ipairs(ROLES) do
      for _, direction in ipairs(DIRECTIONS) do
        if how(ladder_key(role, base, direction), base) then return true end
      end
    end
  end
  return false
end

-- Removes a member from the ladders of a base and its cohorts; the level is a hint, '' is none.
local function remove_settled(base, member, level)
  local bases = bases_of(base)
  local function at_level(key, one)
    if ladder_remove_at(key, member, level) == 0 then return false end
    note(one)
    return true
  end
  if level ~= '' and each_ladder(bases, at_level) then return end
  each_ladder(bases, function(key, one)
    if ladder_remove(key, member) > 0 then note(one) end
  end)
end

-- A line of alerts for each line of evidence.
local function fire(alerts, evidence)
  redis.call('XADD', FIRED, '*', 'alerts', alerts, 'evidence', evidence)
end
