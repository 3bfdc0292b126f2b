-- Whether a level lies where a metric may have been unseen, or may have left it unseen.
-- ARGV, for each: base, then what is seen and what is possible: low, high, low, high.
local function hides(base, direction, sl, sh, pl, ph)
  local armed = ladder_key('armed', base, direction)
  local waiting = ladder_key('waiting', base, direction)
  return ladder_any(armed, '(' .. sh, ph) or ladder_any(armed, pl, '(' .. sl)
    or ladder_any(waiting, sh, '(' .. ph) or ladder_any(waiting, '(' .. pl, sl)
end

local found = {}
for i = 1, #ARGV, 5 do
  local any = hides(ARGV[i], 'rise', unpack(ARGV, i + 1, i + 4))
    or hides(ARGV[i], 'fall', unpack(ARGV, i + 1, i + 4))
  found[#found + 1] = any and 1 or 0
end
return found
