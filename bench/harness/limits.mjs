// What the machine can do at most, in the same hour as the rows: flushes of the disk, PostgreSQL's own load generator on the same server,
// and bare Kestrel answering constant bytes. A row can be read as a share of them.
import { execFile, execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { load } from './load.mjs';
import { fdatasyncMicroseconds } from './machine.mjs';
import { bench, cacheFolder, repository } from './paths.mjs';
import { startPostgres } from './postgres.mjs';
import { start } from './processes.mjs';
import { requestFile } from './requests.mjs';
import { spread } from './statistics.mjs';

const run = promisify(execFile);
const port = 4829;
const connections = 64;
const database = 'limits';

/** A transaction of the size of a create with its event, sent as one: what a driver can do that never waits in between. */
const writing = [
  '\\startpipeline', 'begin;', 'insert into limit_posts (body) values (repeat(\'x\', 700));',
  'insert into limit_events (data) values (repeat(\'x\', 700));', 'commit;', '\\endpipeline',
].join('\n');

/** @returns each limit with its rounds' spread. */
export async function measureLimits({ rounds, seconds }) {
  const limits = [
    { id: 'flushes', title: 'Flushes of 4 KB, one after the other', unit: '/s', values: [] },
    { id: 'pgbench-select', title: `pgbench, one row by key, prepared, ${connections} clients`, unit: '/s', values: [] },
    {
      id: 'pgbench-write', title: `pgbench, two rows of 700 bytes in one pipelined transaction, ${connections} clients`, unit: '/s',
      values: [],
    },
    { id: 'kestrel', title: `Bare Kestrel, 838 constant bytes, ${connections} connections`, unit: '/s', values: [] },
  ];
  const postgres = startPostgres();
  const kestrel = await startKestrel();
  try {
    prepare(postgres);
    const script = path.join(cacheFolder('requests'), 'limit-write.sql');
    fs.writeFileSync(script, writing);
    const file = requestFile(cacheFolder('requests'), 'limit.tsv', [{ method: 'GET', path: '/' }]);
    for (let round = 0; round < rounds; round++) {
      limits[0].values.push(1e6 / fdatasyncMicroseconds(cacheFolder('run')));
      limits[1].values.push(await pgbench(postgres, seconds, ['-S', '-M', 'prepared']));
      limits[2].values.push(await pgbench(postgres, seconds, ['-n', '-M', 'prepared', '-f', script]));
      limits[3].values.push((await load(kestrel, { file, seconds, connections })).perSecond);
      process.stderr.write(`limits ${round + 1}/${rounds}\n`);
    }
  } finally {
    await kestrel.stop();
    postgres.stop();
  }
  return limits.map(({ values, ...limit }) => ({ ...limit, value: spread(values) }));
}

function prepare(postgres) {
  postgres.sql('postgres', `drop database if exists ${database} with (force)`);
  postgres.sql('postgres', `create database ${database}`);
  const options = ['-h', postgres.host, '-p', String(postgres.port), '-U', postgres.user, '-i', '-q', '-s', '10', database];
  execFileSync(path.join(postgres.binaries, 'pgbench'), options, { stdio: 'pipe' });
  postgres.sql(database, `create table limit_posts (id uuid primary key default gen_random_uuid(), body text not null)`);
  postgres.sql(database, `create table limit_events (position bigint generated always as identity primary key, data text not null)`);
}

/** Transactions per second. */
async function pgbench(postgres, seconds, kind) {
  const { stdout } = await run(path.join(postgres.binaries, 'pgbench'), [
    '-h', postgres.host, '-p', String(postgres.port), '-U', postgres.user, '-c', String(connections), '-j', '1', '-T', String(seconds),
    ...kind, database,
  ]);
  const line = /^tps = ([\d.]+)/m.exec(stdout);
  if (line === null) throw new Error(`pgbench printed no rate:\n${stdout}`);
  return Number(line[1]);
}

/** Kestrel by itself, built when it is not. */
export async function startKestrel() {
  const out = path.join(repository, 'artifacts/bench-kestrel');
  execFileSync('dotnet', [
    'build', path.join(bench, 'kestrel'), '-c', 'Release', '-o', out, '-v', 'q', '-nologo', '-clp:NoSummary', '-p:RunAnalyzers=false',
  ], { stdio: ['ignore', 'ignore', 'inherit'] });
  return await start({
    command: 'dotnet', args: [path.join(out, 'Plinth.BareKestrel.dll'), String(port)], port, probe: '/',
    log: path.join(cacheFolder('run'), 'kestrel.txt'),
  });
}
