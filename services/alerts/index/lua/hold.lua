-- Holds no more the alerts of ARGV from 5 on (symbol, metric, member, level or '' each), then
-- one fresh alert, ARGV 1 to 4: symbol, metric, member and text, or '' for none.
for i = 5, #ARGV, 4 do
  local symbol, metric, member = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  remove_fresh(symbol, member)
  remove_settled(symbol .. ':' .. metric, member, ARGV[i + 3])
  note(symbol .. ':' .. metric)
end
if ARGV[1] ~= '' then
  redis.call('HSET', 'fresh:' .. ARGV[1], ARGV[3], ARGV[4])
  redis.call('SADD', FRESH, ARGV[1])
  note(ARGV[1] .. ':' .. ARGV[2])
end
