-- Removes a member that leaves. KEYS: members, version. ARGV: member id, channel of changes.
if redis.call('ZREM', KEYS[1], ARGV[1]) == 1 then
  redis.call('INCR', KEYS[2])
end
redis.call('PUBLISH', ARGV[2], 'leave ' .. ARGV[1])
return 1
