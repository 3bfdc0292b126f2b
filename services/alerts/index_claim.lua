-- Moves what is reached from the ladders into the stream, at most ARGV[1] alerts in one step.
-- ARGV from 2 on, for each claim: base, peak or '', low, high, evidence.
-- Returns how many moved, and the place of the claim to go on with, 0 when all are done.
local most, moved = tonumber(ARGV[1]), 0

local function claim(base, low, high, evidence)
  local members = ladder_take(ladder_key('armed', base, 'rise'), false, high, most - moved)
  local falling = ladder_take(ladder_key('armed', base, 'fall'), true, low, most - moved - #members)
  for _, member in ipairs(falling) do members[#members + 1] = member end
  fire(members, evidence)
  note(base)
  moved = moved + #members
end

for i = 2, #ARGV, 5 do
  local base = base_at(ARGV[i], ARGV[i + 1])
  if base then claim(base, ARGV[i + 2], ARGV[i + 3], ARGV[i + 4]) end
  if moved >= most then return { moved, i } end
end
return { moved, 0 }
