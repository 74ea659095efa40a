-- One heartbeat of one member, by the clock of Redis.
-- KEYS: members, version. ARGV: member id, lease in ms, channel of changes.
-- Returns the version, now in ms, and then each member's id and last heartbeat in ms.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local joined = redis.call('ZADD', KEYS[1], now, ARGV[1])
local expired = redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', '(' .. string.format('%.0f', now - ARGV[2]))
if joined + expired > 0 then
  redis.call('INCR', KEYS[2])
  redis.call('PUBLISH', ARGV[3], 'beat ' .. ARGV[1])
end
local reply = { redis.call('GET', KEYS[2]) or '0', string.format('%.0f', now) }
for _, entry in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1, 'WITHSCORES')) do
  table.insert(reply, entry)
end
return reply
