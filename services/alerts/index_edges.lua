-- The edges of the bases ARGV[1], one a line, packed one after the other; ARGV[2] for those that
-- are not in use.
local found, chunk, size = {}, {}, 0

local function look_at_chunk()
  local edges = redis.call('HMGET', WATCHED, unpack(chunk, 1, size))
  for i = 1, size do edges[i] = edges[i] or ARGV[2] end
  found[#found + 1] = table.concat(edges)
  size = 0
end

for base in string.gmatch(ARGV[1], '[^\n]+') do
  size = size + 1
  chunk[size] = base
  if size == 1000 then look_at_chunk() end
end
if size > 0 then look_at_chunk() end
return table.concat(found)
