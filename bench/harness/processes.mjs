// Server processes: start, wait until they answer, read what they cost, stop.
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import http from 'node:http';

const live = new Set();

// Servers run in groups of their own, so that one signal reaches all of a server's processes; none outlives the bench.
process.on('exit', () => {
  for (const server of live) server.signal('SIGKILL');
});
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(130));

/** A started server; `pid` is the root of its process tree, `besides` that of a database server that works for it. */
export class Server {
  constructor(child, url, log, besides) {
    this.child = child;
    this.pid = child.pid;
    this.besides = besides;
    this.url = url;
    this.log = log;
  }

  /** Processor microseconds of the whole tree since it began, children that have ended included, and of the database server. */
  cpuMicroseconds() {
    const pids = this.besides === undefined ? tree(this.pid) : [...tree(this.pid), ...tree(this.besides)];
    return pids.reduce((sum, pid) => sum + ticksOf(pid), 0) * 10_000;
  }

  /** Resident memory of the whole tree, in megabytes. */
  residentMegabytes() {
    return tree(this.pid).reduce((sum, pid) => sum + residentKilobytes(pid), 0) / 1024;
  }

  async stop() {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const ended = new Promise((resolve) => this.child.once('exit', resolve));
    this.signal('SIGTERM');
    const timer = setTimeout(() => this.signal('SIGKILL'), 10_000);
    await ended;
    clearTimeout(timer);
  }

  signal(name) {
    try {
      process.kill(-this.pid, name);
    } catch {
      // The group has ended between the question and the signal.
    }
  }
}

/** Starts `command` and returns when `probe` (a path) answers below 500. Its output goes to the file `log`. */
export async function start({ command, args, env = {}, cwd, port, probe, log, besides, timeoutSeconds = 60 }) {
  const out = fs.openSync(log, 'w');
  const child = spawn(command, args, { cwd, env: { ...process.env, ...env }, stdio: ['ignore', out, out], detached: true });
  fs.closeSync(out);
  const server = new Server(child, `http://127.0.0.1:${port}`, log, besides);
  live.add(server);
  child.once('exit', () => live.delete(server));
  const limit = Date.now() + timeoutSeconds * 1000;
  while (!(await answers(server.url + probe))) {
    if (child.exitCode !== null || child.signalCode !== null || Date.now() > limit) {
      await server.stop();
      throw new Error(`${command} did not answer ${probe}:\n${fs.readFileSync(log, 'utf8').slice(-2000)}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  return server;
}

function answers(url) {
  return new Promise((resolve) => {
    const request = http.get(url, { agent: false, timeout: 2000 }, (response) => {
      response.resume();
      resolve(response.statusCode < 500);
    });
    request.on('error', () => resolve(false));
    request.on('timeout', () => request.destroy());
  });
}

/** The process and all below it. */
function tree(root) {
  const childrenOf = new Map();
  for (const entry of fs.readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    const fields = statOf(entry);
    if (fields === null) continue;
    const parent = Number(fields[1]);
    childrenOf.set(parent, [...(childrenOf.get(parent) ?? []), Number(entry)]);
  }
  const all = [root];
  for (let i = 0; i < all.length; i++) all.push(...(childrenOf.get(all[i]) ?? []));
  return all;
}

/** The fields of /proc/<pid>/stat from the state on (the name before them may hold blanks); null when the process has ended. */
function statOf(pid) {
  try {
    const text = fs.readFileSync(`/proc/${pid}/stat`, 'utf8');
    return text.slice(text.lastIndexOf(')') + 2).split(' ');
  } catch {
    return null;
  }
}

/** utime, stime, cutime and cstime in ticks of 10 ms. */
function ticksOf(pid) {
  const fields = statOf(pid);
  return fields === null ? 0 : Number(fields[11]) + Number(fields[12]) + Number(fields[13]) + Number(fields[14]);
}

function residentKilobytes(pid) {
  try {
    return Number(/VmRSS:\s+(\d+)/.exec(fs.readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0);
  } catch {
    return 0;
  }
}
