-- Moves armed alerts whose level the price reached from their sorted sets into the stream of
-- fired alerts, at most `most` of them, in one atomic step.
-- KEYS: rising levels, falling levels, stream.  ARGV: low, high, evidence, most.
local moved = 0
local function move(key, from, to)
  local hits = redis.call('ZRANGEBYSCORE', key, from, to, 'LIMIT', 0, ARGV[4] - moved)
  for i = 1, #hits do
    redis.call('XADD', KEYS[3], '*', 'alert', hits[i], 'evidence', ARGV[3])
    redis.call('ZREM', key, hits[i])
    moved = moved + 1
  end
end
move(KEYS[1], '-inf', ARGV[2])
if moved < tonumber(ARGV[4]) then
  move(KEYS[2], ARGV[1], '+inf')
end
return moved
