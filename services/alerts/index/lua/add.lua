-- Adds settled alerts, lowest first. ARGV, for each ladder: role, base, direction, how many
-- entries, and these: level, member, level, member ...
local i = 1
while i <= #ARGV do
  local last = i + 3 + 2 * tonumber(ARGV[i + 3])
  ladder_add(ladder_key(ARGV[i], ARGV[i + 1], ARGV[i + 2]), ARGV, i + 4, last)
  note(ARGV[i + 1])
  i = last + 1
end
