-- Keeps the edges of the bases ARGV as they are now.
for _, base in ipairs(ARGV) do note(base) end
