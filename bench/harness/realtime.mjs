// `bench/run realtime`: thousands of WebSockets with live queries on one node, and a steady stream of changes; then one change that all of
// them are told of, against a broadcast by Kestrel alone in the same run. The load is bench/realtime, one thread over epoll.
import { execFile, execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { exchange } from './http.mjs';
import { startKestrel } from './limits.mjs';
import { bench, cacheFolder, emptyFolder, repository } from './paths.mjs';
import { start } from './processes.mjs';
import { spread } from './statistics.mjs';
import { binary } from './targets/plinth.mjs';

const run = promisify(execFile);
const port = 4840;
const password = 'a long bench password';
const operator = 'bench-operator-0123456789';
const cardsEach = 5;
const probeBoard = 1000;

const sizes = {
  full: { boards: 100, teams: 9, sockets: 9_000, changesPerSecond: 1_000, windows: 3, seconds: 10, fanOuts: 30 },
  quick: { boards: 10, teams: 2, sockets: 200, changesPerSecond: 100, windows: 2, seconds: 2, fanOuts: 6 },
};

/** @returns a table of what was measured, with the floors that the project set itself. */
export async function measureRealtime({ size }) {
  const { boards, teams, ...load } = sizes[size];
  // One descriptor for each socket, on either side; the load has those to both servers.
  requireFiles(load.sockets * 2 + 500);
  const loader = build('realtime', 'Plinth.RealtimeLoad.dll');
  const folder = prepare(boards, teams);
  const server = await start({
    command: binary, args: ['serve', folder, '--port', String(port)], port, probe: '/readyz', log: path.join(folder, 'log.txt'),
    env: { PLINTH_LOG__LEVEL: 'warn', PLINTH_AUTH__ACCESS_MINUTES: '120', PLINTH_OPS__TOKEN: operator },
  });
  const kestrel = await startKestrel();
  try {
    const settings = {
      ...load, port, pid: server.pid, barePort: Number(new URL(kestrel.url).port), barePid: kestrel.pid, cardsEach,
      operator, editor: await signIn(server, 'editor'),
      teams: await Promise.all(Array.from({ length: teams }, (_, team) => signIn(server, `team${team}`))),
      shapes: Array.from({ length: boards }, (_, board) => shape(board)),
    };
    const file = path.join(folder, 'load.json');
    fs.writeFileSync(file, JSON.stringify(settings));
    const child = run('dotnet', [loader, file], { maxBuffer: 1 << 26 });
    child.child.stderr.pipe(process.stderr);
    const { stdout } = await child;
    return table(sizes[size], JSON.parse(stdout));
  } finally {
    await server.stop();
    await kestrel.stop();
  }
}

/** Sockets are files, and a system gives out fewer than this needs unless it is asked. */
function requireFiles(wanted) {
  const limit = execFileSync('sh', ['-c', 'ulimit -n'], { encoding: 'utf8' }).trim();
  if (limit !== 'unlimited' && Number(limit) < wanted) {
    throw new Error(`a process may open ${limit} files, and ${wanted} are needed: raise it (ulimit -n ${wanted}, or LimitNOFILE)`);
  }
}

function build(project, assembly) {
  const out = path.join(repository, 'artifacts', `bench-${project}`);
  execFileSync('dotnet', [
    'build', path.join(bench, project), '-c', 'Release', '-o', out, '-v', 'q', '-nologo', '-clp:NoSummary', '-p:RunAnalyzers=false',
  ], { stdio: ['ignore', 'ignore', 'inherit'] });
  return path.join(out, assembly);
}

/** A project with its cards, its wall and a user of each team. */
function prepare(boards, teams) {
  const folder = emptyFolder('run', 'realtime');
  fs.copyFileSync(path.join(bench, 'realtime/schema.plinth'), path.join(folder, 'schema.plinth'));
  const cards = [];
  for (let team = 0; team < teams; team++) {
    for (let board = 0; board < boards; board++) {
      for (let i = 0; i < cardsEach; i++) cards.push(card(cards.length + 1, board, team));
    }
  }
  cards.push(card(1_000_000, probeBoard, 0));
  load(folder, 'Card', cards);
  load(folder, 'Wall', [{ id: 1, text: 'What everybody sees. '.repeat(8), stamp: 0 }]);
  createUser(folder, 'editor', 'editor', 0);
  for (let team = 0; team < teams; team++) createUser(folder, `team${team}`, 'reader', team);
  return folder;
}

function card(id, board, team) {
  return {
    id, board, team, title: `Card ${id} of board ${board}`, note: 'Something that has to be done, and how. '.repeat(3),
    lane: ['todo', 'doing', 'done'][id % 3], amount: (id * 7919) % 10_000, stamp: 0,
  };
}

function load(folder, model, records) {
  const file = path.join(folder, `${model}.ndjson`);
  fs.writeFileSync(file, records.map((record) => JSON.stringify(record) + '\n').join(''));
  execFileSync(binary, ['import', model, file, '--yes'], { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] });
}

function createUser(folder, name, role, team) {
  execFileSync(
    binary, ['user', 'create', `${name}@example.org`, folder, '--role', role, '--fields', JSON.stringify({ team })],
    { env: { ...process.env, PLINTH_USER_PASSWORD: password }, stdio: ['ignore', 'ignore', 'inherit'] });
}

async function signIn(server, name) {
  const { status, body } = await exchange(server.url, {
    method: 'POST', path: '/auth/login', body: { email: `${name}@example.org`, password },
  });
  if (status !== 200) throw new Error(`${name} could not sign in (${status}): ${JSON.stringify(body)}`);
  return body.accessToken;
}

/** A hundred queries of which no two differ in the board alone: five orders, five selections, four filters. */
function shape(board) {
  const sort = ['-amount', 'title', 'id', '-stamp', 'lane,-amount'][board % 5];
  const select = [
    'id,title,stamp', 'id,title,lane,amount,stamp', 'id,stamp,amount', 'id,title,note,stamp', 'id,board,title,lane,amount,stamp,updatedAt',
  ][Math.floor(board / 5) % 5];
  const more = ['', ' && amount >= 0', ' && lane != "archived"', ' && title.startsWith("Card")'][Math.floor(board / 25) % 4];
  const filter = `board == ${board}${more}`;
  const parameters = new URLSearchParams({ filter, sort, select, limit: '100' });
  return { query: JSON.stringify({ model: 'Card', filter, sort, select }), path: `/api/cards?${parameters}` };
}

function table(size, { windows, fanOut, before, after, queries, compared, opened, residentMegabytes }) {
  const of = (read) => spread(windows.map(read));
  const row = (title, unit, value, bound = {}) => ({ title, unit, value, ...bound });
  const ratios = fanOut.plinth.map((took, i) => fanOut.bare[i] / took);
  const statements = after.plinth_database_statements - before.plinth_database_statements;
  const runs = after.plinth_realtime_runs - before.plinth_realtime_runs;
  const changes = windows.reduce((sum, { perSecond }) => sum + perSecond * size.seconds, 0);
  const each = size.sockets / queries;
  return {
    title: `Realtime: ${size.sockets.toLocaleString('en')} sockets, ${size.boards} shapes × ${size.teams} teams`,
    notes: [
      `${size.changesPerSecond} changes/s asked for, in ${size.windows} windows of ${size.seconds} s; each touches ${each} ` +
      `subscriptions. Times begin when the request of a change is sent. All sockets followed their query ${(opened / 1000).toFixed(1)} s ` +
      `after the first connected. Every change was told ${each} times; the lists of ${compared} sockets, made of their frames, equal ` +
      'fresh ones; no errors.',
    ],
    rows: [
      row('Changes', '/s', of((w) => w.perSecond), { least: size.changesPerSecond * 0.98 }),
      row('Change to client, median', 'ms', of((w) => w.fromSent[0])),
      row('Change to client, 95 of 100', 'ms', of((w) => w.fromSent[1]), { most: 100 }),
      row('Change to client, 99 of 100', 'ms', of((w) => w.fromSent[2])),
      row('Answer of the change to client, 95 of 100', 'ms', of((w) => w.fromAnswer[1])),
      row('Change to read model, median', 'ms', of((w) => w.readModel[0])),
      row(`Change to read model, 99 of 100 (of ${windows[0].probes} a window)`, 'ms', of((w) => w.readModel[2]), { most: 500 }),
      row('Live queries kept, by shape and rights', '', spread([after.plinth_realtime_queries]), { most: queries + 1 }),
      row('Runs of a live query on the database meanwhile', '', spread([runs]), { most: 1 }),
      row('Statements for a change, its projection and probes included', '', spread([statements / changes])),
      row('Processor of the server, of one core', '%', of((w) => w.serverPercent)),
      row('Processor of the load', '%', of((w) => w.loadPercent)),
      row('Memory of the server', 'MB', spread([residentMegabytes])),
      row(`One change to ${size.sockets.toLocaleString('en')} sockets, ${fanOut.bytes} bytes`, 'ms', spread(fanOut.plinth)),
      row('The same by bare Kestrel', 'ms', spread(fanOut.bare)),
      row('Messages per second', '/s', spread(fanOut.plinth.map((took) => size.sockets / took * 1000))),
      row('Plinth over bare Kestrel', '×', spread(ratios), size === sizes.full ? { least: 0.6 } : {}),
      row('Processor per message, Plinth', 'µs', spread([fanOut.plinthProcessor])),
      row('Processor per message, bare Kestrel', 'µs', spread([fanOut.bareProcessor])),
    ],
    raw: { windows, fanOut, before, after },
  };
}
