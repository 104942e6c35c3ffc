// One run of wrk against one server, with the processor time that the server spent on it.
import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const script = path.join(import.meta.dirname, '../load/requests.lua');

/** Replays `file` for `seconds` over `connections` keep-alive connections, beginning at line `offset`. */
export async function load(server, { file, seconds, connections, offset = 0 }) {
  const before = server.cpuMicroseconds();
  const { stdout } = await run('wrk', [
    '-t1', `-c${connections}`, `-d${seconds}s`, '--timeout', '10s', '-s', script, server.url, '--', file, String(offset),
  ]);
  const cpu = server.cpuMicroseconds() - before;
  const line = /^wrk-result (.*)$/m.exec(stdout);
  if (line === null) throw new Error(`wrk printed no result:\n${stdout}`);
  const result = JSON.parse(line[1]);
  return {
    requests: result.requests,
    perSecond: result.requests / (result.microseconds / 1e6),
    bytesPerRequest: result.bytes / result.requests,
    p50Milliseconds: result.p50 / 1000,
    p99Milliseconds: result.p99 / 1000,
    cpuMicroseconds: cpu / result.requests,
    // Answers above 399, which some rows provoke.
    refused: result.status,
    errors: result.connect + result.read + result.write + result.timeout,
  };
}
