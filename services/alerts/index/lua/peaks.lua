-- The cohorts of the bases ARGV: place of the base, peak, lowest armed level, and so on.
local found = {}
for i, base in ipairs(ARGV) do
  local scored = redis.call('ZRANGE', 'peaks:' .. base, 0, -1, 'WITHSCORES')
  for j = 1, #scored, 2 do
    local lowest = ladder_edge(ladder_key('armed', cohort_base(base, scored[j]), 'rise'), false)
    if lowest then
      found[#found + 1], found[#found + 2], found[#found + 3] = i - 1, scored[j + 1], lowest
    end
  end
end
return found
