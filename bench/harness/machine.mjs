// Where the numbers were taken: without it they say nothing.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { cacheFolder, repository } from './paths.mjs';
import { median } from './statistics.mjs';

/** Machine, versions and commit, as they are now. */
export function machine() {
  const says = (command, ...args) => {
    try {
      return execFileSync(command, args, { encoding: 'utf8', cwd: repository, stdio: ['ignore', 'pipe', 'ignore'] }).trim();
    } catch {
      return 'unknown';
    }
  };
  return {
    processor: /model name\s*:\s*(.*)/.exec(fs.readFileSync('/proc/cpuinfo', 'utf8'))?.[1] ?? os.arch(),
    cores: os.cpus().length,
    memoryGigabytes: Math.round(os.totalmem() / 2 ** 30),
    system: `${os.type()} ${os.release()}`,
    fileSystem: says('stat', '-f', '-c', '%T', cacheFolder('run')),
    fdatasyncMicroseconds: fdatasyncMicroseconds(cacheFolder('run')),
    loadBefore: os.loadavg()[0],
    node: process.version,
    dotnet: says('dotnet', '--version'),
    wrk: /wrk (\S+)/.exec(says('sh', '-c', 'wrk -v 2>&1 || true'))?.[1] ?? 'unknown',
    commit: says('git', 'rev-parse', '--short', 'HEAD') + (says('git', 'status', '--porcelain') === '' ? '' : ' with changes'),
  };
}

/** The median of 50 appends of 4 KB, each made durable: durable writes are bound by it, and on shared disks it drifts by the minute. */
export function fdatasyncMicroseconds(folder) {
  const name = path.join(folder, 'fdatasync.probe');
  const file = fs.openSync(name, 'w');
  const block = Buffer.alloc(4096, 1);
  const times = [];
  for (let i = 0; i < 50; i++) {
    const begin = process.hrtime.bigint();
    fs.writeSync(file, block);
    fs.fdatasyncSync(file);
    times.push(Number(process.hrtime.bigint() - begin) / 1000);
  }
  fs.closeSync(file);
  fs.rmSync(name);
  return Math.round(median(times));
}
