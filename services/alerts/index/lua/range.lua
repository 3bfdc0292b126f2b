-- Settled alerts between two bounds, from the bottom up: member, level, member, level ...
-- ARGV: role, base, peak or '', direction, from, to.
local base = base_at(ARGV[2], ARGV[3])
return base and ladder_range(ladder_key(ARGV[1], base, ARGV[4]), ARGV[5], ARGV[6]) or {}
