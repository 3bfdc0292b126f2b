-- Puts fresh alerts of the symbol ARGV[1] among the settled ones. ARGV from 2 on, for each:
-- metric, member, role, direction, level, peak or ''.
local touched = {}
for i = 2, #ARGV, 6 do
  if remove_fresh(ARGV[1], ARGV[i + 1]) == 1 then
    local base = base_for(ARGV[1] .. ':' .. ARGV[i], ARGV[i + 5])
    local entry = { ARGV[i + 4], ARGV[i + 1] }
    ladder_add(ladder_key(ARGV[i + 2], base, ARGV[i + 3]), entry, 1, 2)
    touched[base], touched[ARGV[1] .. ':' .. ARGV[i]] = true, true
  end
end
for base in pairs(touched) do note(base) end
