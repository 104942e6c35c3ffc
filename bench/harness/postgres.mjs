// One PostgreSQL server of the bench's own, in bench/.cache, on a port of the loopback interface. Durable commits; what else is set is what
// its documentation advises for the machine's memory. Data sets are loaded once into a template, and each run works on a copy of it.
// PLINTH_BENCH_POSTGRES names another folder and PLINTH_BENCH_POSTGRES_PORT another port, for a server beside that of another run.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { bench, cacheFolder } from './paths.mjs';

const port = Number(process.env.PLINTH_BENCH_POSTGRES_PORT ?? 4809);
const host = '127.0.0.1';
const user = 'bench';
const settings = {
  listen_addresses: host, port, max_connections: 200, shared_buffers: '1GB', max_wal_size: '4GB', checkpoint_timeout: '15min',
  effective_cache_size: '4GB', random_page_cost: 1.1, autovacuum_naptime: '10min',
};

/** Starts the server, made when it is not there; `slowFlush`: each of its flushes takes so many microseconds more. */
export function startPostgres({ slowFlush } = {}) {
  const binaries = folderOfBinaries();
  // The server refuses to run as root, and its account must reach the folder.
  const isRoot = os.userInfo().uid === 0;
  const folder = process.env.PLINTH_BENCH_POSTGRES ?? (isRoot ? '/var/tmp/plinth-bench-postgres' : cacheFolder('postgres'));
  fs.mkdirSync(folder, { recursive: true });
  let env = process.env;
  const run = (program, ...args) => {
    const plain = [path.join(binaries, program), ...args];
    const command = isRoot ? ['runuser', '-u', 'postgres', '--', ...plain] : plain;
    return execFileSync(command[0], command.slice(1), { encoding: 'utf8', cwd: '/', stdio: ['ignore', 'ignore', 'inherit'], env });
  };
  if (isRoot) execFileSync('chown', ['postgres', folder]);
  const data = path.join(folder, 'data');
  if (!fs.existsSync(path.join(data, 'PG_VERSION'))) {
    run('initdb', '-D', data, '-U', user, '-A', 'trust', '-E', 'UTF8', '--locale=C', '--no-instructions');
  }
  const options = [...Object.entries(settings).map(([name, value]) => `-c ${name}=${value}`), `-k ${folder}`].join(' ');
  if (fs.existsSync(path.join(data, 'postmaster.pid'))) run('pg_ctl', '-D', data, '-m', 'immediate', '-w', '-s', 'stop');
  if (slowFlush !== undefined) env = { ...env, LD_PRELOAD: slowFlushLibrary(folder), SLOW_FLUSH_MICROSECONDS: String(slowFlush) };
  run('pg_ctl', '-D', data, '-w', '-s', '-l', path.join(folder, 'log'), '-o', options, 'start');
  return new Postgres(binaries, Number(fs.readFileSync(path.join(data, 'postmaster.pid'), 'utf8').split('\n')[0]), () =>
    run('pg_ctl', '-D', data, '-m', 'fast', '-w', '-s', 'stop'));
}

class Postgres {
  constructor(binaries, pid, stop) {
    Object.assign(this, { binaries, pid, stop, host, port, user });
  }

  url(database) {
    return `postgres://${user}@${host}:${port}/${database}?sslmode=disable`;
  }

  sql(database, text) {
    const options = ['-h', host, '-p', String(port), '-U', user, '-d', database, '-qAtX', '-v', 'ON_ERROR_STOP=1', '-c', text];
    return execFileSync(path.join(this.binaries, 'psql'), options, { encoding: 'utf8' }).trim();
  }

  has(database) {
    return this.sql('postgres', `select 1 from pg_database where datname = '${database}'`) === '1';
  }

  /** A copy of a template, which `load` fills when it is not there. */
  async copy(template, name, load) {
    if (!this.has(template)) {
      this.sql('postgres', `drop database if exists ${template}_part`);
      this.sql('postgres', `create database ${template}_part encoding 'UTF8' template template0`);
      await load(template + '_part');
      this.sql('postgres', `alter database ${template}_part rename to ${template}`);
    }
    this.sql('postgres', `drop database if exists ${name} with (force)`);
    this.sql('postgres', `create database ${name} template ${template} strategy file_copy`);
    this.sql(name, 'checkpoint');
  }
}

/** Compiled where the server's account can read it. */
function slowFlushLibrary(folder) {
  const library = path.join(folder, 'slow_flush.so');
  execFileSync('cc', ['-O2', '-shared', '-fPIC', '-o', library, path.join(bench, 'slow-flush', 'slow_flush.c'), '-ldl']);
  fs.chmodSync(library, 0o755);
  return library;
}

function folderOfBinaries() {
  const root = '/usr/lib/postgresql';
  const versions = fs.existsSync(root) ? fs.readdirSync(root).map(Number).filter((version) => version >= 15).sort((a, b) => b - a) : [];
  if (versions.length === 0) throw new Error(`the bench needs PostgreSQL 15 or later below ${root}: apt-get install postgresql`);
  return path.join(root, String(versions[0]), 'bin');
}
