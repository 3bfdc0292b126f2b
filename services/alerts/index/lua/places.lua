-- Where alerts stand. ARGV, for each: symbol, metric, role, direction, level, member.
-- Returns for each 1 when it is settled at its level, 2 when it is fresh at it, else 0.
local function is_fresh(i)
  local text = redis.call('HGET', 'fresh:' .. ARGV[i], ARGV[i + 5])
  if not text then return false end
  local fresh = cjson.decode(text)
  return fresh.metric == ARGV[i + 1] and fresh.role == ARGV[i + 2]
    and fresh.direction == ARGV[i + 3] and fresh.level == tonumber(ARGV[i + 4])
end

local function is_settled(i)
  for _, base in ipairs(bases_of(ARGV[i] .. ':' .. ARGV[i + 1])) do
    local key = ladder_key(ARGV[i + 2], base, ARGV[i + 3])
    local level = redis.call('ZSCORE', rung_at(key, ARGV[i + 4]), ARGV[i + 5])
    if level and tonumber(level) == tonumber(ARGV[i + 4]) then return true end
  end
  return false
end

local places = {}
for i = 1, #ARGV, 6 do
  places[#places + 1] = is_settled(i) and 1 or is_fresh(i) and 2 or 0
end
return places
