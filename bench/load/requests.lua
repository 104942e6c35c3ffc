-- wrk's side of the bench: replays a file of requests (method, path, body, authorization; separated by tabs) and prints one line of
-- JSON at the end.
-- Requests are formatted once, before the clock starts. In wrk's summary, `status` counts the answers above 399: it has to be zero.

local requests = {}
local index = 0

function init(args)
  local file = assert(io.open(args[1], "r"))
  for line in file:lines() do
    local method, path, body, authorization = line:match("^(%S+)\t(%S+)\t([^\t]*)\t(.*)$")
    local headers = { ["Accept"] = "application/json" }
    if authorization ~= "" then headers["Authorization"] = authorization end
    if body == "" then body = nil else headers["Content-Type"] = "application/json" end
    requests[#requests + 1] = wrk.format(method, path, headers, body)
  end
  file:close()
  -- Each run begins elsewhere in the file, so that rounds do not repeat one another.
  index = (tonumber(args[2]) or 0) % #requests
end

function request()
  index = index + 1
  if index > #requests then index = 1 end
  return requests[index]
end

function done(summary, latency)
  local e = summary.errors
  io.write(string.format(
    '\nwrk-result {"requests":%d,"microseconds":%d,"bytes":%d,"connect":%d,"read":%d,"write":%d,"status":%d,"timeout":%d,' ..
    '"p50":%d,"p99":%d,"max":%d}\n',
    summary.requests, summary.duration, summary.bytes, e.connect, e.read, e.write, e.status, e.timeout,
    latency:percentile(50), latency:percentile(99), latency.max))
end
