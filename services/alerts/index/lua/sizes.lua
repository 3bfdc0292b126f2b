-- How many settled alerts stand on each of the bases ARGV.
local sizes = {}
for i, base in ipairs(ARGV) do
  sizes[i] = 0
  each_ladder({ base }, function(key) sizes[i] = sizes[i] + ladder_size(key) end)
end
return sizes
