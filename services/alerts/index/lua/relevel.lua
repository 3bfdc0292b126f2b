-- Moves an alert to a new level wherever it stands. ARGV: symbol, metric, member, old level or
-- '', new level, text as a fresh one.
local base, member, level, found = ARGV[1] .. ':' .. ARGV[2], ARGV[3], ARGV[5], false

local function move(key, one)
  ladder_add(key, { level, member }, 1, 2)
  note(one)
  found = true
end

local function at_level(key, one)
  if ARGV[4] == '' or ladder_remove_at(key, member, ARGV[4]) == 0 then return false end
  move(key, one)
  return true
end

if redis.call('HEXISTS', 'fresh:' .. ARGV[1], member) == 1 then
  redis.call('HSET', 'fresh:' .. ARGV[1], member, ARGV[6])
  found = true
end
local bases = bases_of(base)
if not each_ladder(bases, at_level) and not found then
  each_ladder(bases, function(key, one)
    if ladder_remove(key, member) > 0 then move(key, one) end
  end)
end
return found and 1 or 0
