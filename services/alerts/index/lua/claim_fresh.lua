-- Moves a fresh alert into the stream. ARGV: symbol, metric, member, evidence.
if remove_fresh(ARGV[1], ARGV[3]) == 0 then return 0 end
fire(ARGV[3], ARGV[4])
note(ARGV[1] .. ':' .. ARGV[2])
return 1
