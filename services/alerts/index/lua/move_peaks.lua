-- Gives cohorts of the base ARGV[1] new peaks; those that end on one peak become one.
-- ARGV from 2 on: old peak, new peak, and so on.
local base, key, cohorts = ARGV[1], 'peaks:' .. ARGV[1], {}

local function merge(from, into)
  for _, role in ipairs(ROLES) do
    for _, direction in ipairs(DIRECTIONS) do
      ladder_pour(ladder_key(role, from, direction), ladder_key(role, into, direction))
    end
  end
  note(from)
end

local function size(one)
  return ladder_size(ladder_key('armed', one, 'rise'))
end

for i = 2, #ARGV, 2 do
  cohorts[i] = redis.call('ZRANGEBYSCORE', key, ARGV[i], ARGV[i], 'LIMIT', 0, 1)[1]
end
for i = 2, #ARGV, 2 do
  if cohorts[i] then redis.call('ZADD', key, ARGV[i + 1], cohorts[i]) end
end
for i = 2, #ARGV, 2 do
  local same, largest = redis.call('ZRANGEBYSCORE', key, ARGV[i + 1], ARGV[i + 1]), nil
  if #same > 1 then
    for _, cohort in ipairs(same) do
      local one = cohort_base(base, cohort)
      if not largest or size(one) > size(largest) then largest = one end
    end
    for _, cohort in ipairs(same) do
      local one = cohort_base(base, cohort)
      if one ~= largest then merge(one, largest) end
    end
    note(largest)
  end
end
