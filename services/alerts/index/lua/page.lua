-- Some of a ladder's alerts, from a level on. ARGV: role, base, direction, level.
return ladder_page(ladder_key(ARGV[1], ARGV[2], ARGV[3]), ARGV[4])
