// `bench/run log`: what the one log gives besides live queries. log-past: reads of the past against reads of now, with ten thousand changes
// since; log-replay: replay of a million events, and a projection over them made anew; log-audit: questions about ten million events.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { exchange } from './http.mjs';
import { load } from './load.mjs';
import { bench, cacheFolder, emptyFolder } from './paths.mjs';
import { startPostgres } from './postgres.mjs';
import { start } from './processes.mjs';
import { Random } from './random.mjs';
import { requestFile } from './requests.mjs';
import { spread } from './statistics.mjs';
import { binary } from './targets/plinth.mjs';

const port = 4850;
const password = 'a long bench password';
const entriesPerBoard = 100;
const lanes = ['todo', 'doing', 'done', 'archived'];

const sizes = {
  full: { entries: 1_000_000, changes: 10_000, audited: 10_000_000, seconds: 4 },
  quick: { entries: 20_000, changes: 1_000, audited: 100_000, seconds: 1 },
};

/** A part that is measured on each database that the options admit. */
const onEach = (title, measure) => async (options) => {
  const tables = [];
  for (const kind of ['sqlite', 'postgres'].filter((name) => options.admits({ name }))) {
    const postgres = kind === 'postgres' ? startPostgres() : undefined;
    try {
      const size = sizes[options.size];
      const database = new Database(kind, postgres, options.size, size);
      const { notes, rows, raw } = await measure(database, size, options);
      tables.push({ title: `${title(size)}, on ${kind === 'sqlite' ? 'SQLite' : 'PostgreSQL'}`, notes, rows, raw });
    } finally {
      postgres?.stop();
    }
  }
  return tables;
};

export const measurePast = onEach((size) => `The past, ${size.changes.toLocaleString('en')} changes later`, past);
export const measureReplay = onEach((size) => `Replay and rebuild, ${size.entries.toLocaleString('en')} events`, replay);
export const measureAudit = onEach((size) => `Audit, ${size.audited.toLocaleString('en')} events`, audit);

/** A project with its data, in one of the two databases. What is loaded once is kept, and each measurement works on a copy of it. */
class Database {
  constructor(kind, postgres, name, size) {
    Object.assign(this, { kind, postgres, name, size });
    this.template = path.join(cacheFolder('templates'), `log-${kind}-${name}`);
    this.templateDatabase = `log_${name}`;
  }

  env(database) {
    return { ...process.env, PLINTH_LOG__LEVEL: 'warn', ...(this.postgres ? { PLINTH_DATABASE__URL: this.postgres.url(database) } : {}) };
  }

  /** A folder and environment of a copy; `more` turns the data into other data, once, which is kept under its name. */
  async copy(name, more) {
    const plain = { template: this.template, database: this.templateDatabase, make: (folder, env) => this.#load(folder, env) };
    const source = more === undefined ? plain : {
      template: `${this.template}-${more.name}`, database: `${this.templateDatabase}_${more.name}`,
      make: async (folder, env, database) => {
        await this.#take(plain, folder, database);
        more.make(folder, env, database);
      },
    };
    const folder = emptyFolder('run', `log-${this.kind}-${name}`);
    await this.#take(source, folder, `run_log_${name}`);
    return { folder, env: this.env(`run_log_${name}`), database: `run_log_${name}` };
  }

  /** Copies a template to a folder and a database; makes it when it is not there. */
  async #take({ template, database, make }, folder, target) {
    if (!fs.existsSync(template)) {
      const part = `${template}.part`;
      fs.rmSync(part, { recursive: true, force: true });
      fs.mkdirSync(part);
      this.postgres?.sql('postgres', `drop database if exists ${database} with (force)`);
      this.postgres?.sql('postgres', `create database ${database} encoding 'UTF8' template template0`);
      await make(part, this.env(database), database);
      fs.renameSync(part, template);
    }
    fs.cpSync(template, folder, { recursive: true });
    if (this.postgres === undefined) return;
    this.postgres.sql('postgres', `drop database if exists ${target} with (force)`);
    this.postgres.sql('postgres', `create database ${target} template ${database} strategy file_copy`);
    this.postgres.sql(target, 'checkpoint');
  }

  #load(folder, env) {
    fs.copyFileSync(path.join(bench, 'log/schema.plinth'), path.join(folder, 'schema.plinth'));
    const file = path.join(cacheFolder('data'), `log-${this.name}.ndjson`);
    if (!fs.existsSync(file)) writeEntries(file, this.size.entries);
    process.stderr.write(`loading ${this.size.entries} entries\n`);
    execFileSync(binary, ['import', 'Entry', file, '--yes'], { cwd: folder, env, stdio: ['ignore', 'ignore', 'inherit'] });
    execFileSync(
      binary, ['user', 'create', 'auditor@example.org', folder, '--role', 'auditor'],
      { env: { ...env, PLINTH_USER_PASSWORD: password }, stdio: ['ignore', 'ignore', 'inherit'] });
    if (this.postgres) execFileSync('psql', [env.PLINTH_DATABASE__URL, '-qc', 'vacuum analyze'], { stdio: 'inherit' });
  }
}

function writeEntries(file, count) {
  const random = new Random(11);
  const out = fs.openSync(`${file}.part`, 'w');
  let lines = [];
  for (let id = 1; id <= count; id++) {
    lines.push(JSON.stringify({
      id, board: id % Math.ceil(count / entriesPerBoard), lane: random.pick(lanes), title: random.words(5), note: random.words(15),
      amount: random.below(100_000), score: random.below(1_000), owner: `user-${random.below(1_000)}@example.org`,
    }));
    if (lines.length < 10_000 && id < count) continue;
    fs.writeSync(out, lines.join('\n') + '\n');
    lines = [];
  }
  fs.closeSync(out);
  fs.renameSync(`${file}.part`, file);
}

function serve({ folder, env }, besides, settings = {}) {
  return start({
    command: binary, args: ['serve', folder, '--port', String(port)], port, probe: '/readyz', log: path.join(folder, 'log.txt'), besides,
    env: { ...env, PLINTH_AUTH__ACCESS_MINUTES: '120', ...settings },
  });
}

async function get(server, target, headers) {
  const answer = await exchange(server.url, { path: target, headers });
  if (answer.status !== 200) throw new Error(`${target} was answered ${answer.status}: ${JSON.stringify(answer.body)}`);
  return answer;
}

const row = (title, unit, values, bound = {}) => ({ title, unit, value: spread(values), ...bound });
const list = (board) => `/api/entries?board=${board}&sort=-amount&limit=20`;
const byId = (id) => `/api/entries/${id}`;

async function past(database, { entries, changes, seconds }, { rounds }) {
  const copy = await database.copy('past');
  // So many moments before the changes are asked about, and the records that were made last were not there yet.
  const notYet = 1000;
  let server = await serve(copy, database.postgres?.pid);
  try {
    const boards = entries / entriesPerBoard;
    const random = new Random(5);
    const some = Array.from({ length: 50 }, () => random.below(boards));
    const before = [];
    for (const board of some) before.push((await get(server, list(board))).body.items);
    const position = Number((await get(server, list(some[0]))).headers['plinth-position']);
    // The bound of one command is ten thousand rows: every board has one of them at least, and many of each page are among them.
    const step = entries / changes;
    const { status, body } = await exchange(server.url, {
      method: 'PATCH', path: `/api/entries?filter=${encodeURIComponent(`id % ${step} == 0`)}`, body: { score: 5, lane: 'done', amount: 7 },
    });
    if (status !== 200 || body.changed !== changes) throw new Error(`the changes were answered ${status}: ${JSON.stringify(body)}`);
    const then = (path, at = position) => `${path}${path.includes('?') ? '&' : '?'}asOf=${at}`;
    for (const [i, board] of some.entries()) {
      const { body: was } = await get(server, then(list(board)));
      if (JSON.stringify(was.items) !== JSON.stringify(before[i])) throw new Error(`board ${board} was not what it was`);
    }
    const first = [];
    for (let i = 1; i <= 7; i++) first.push(await timed(() => get(server, then(list(some[0]), position - i))));
    const other = [];
    for (const board of Array.from({ length: 20 }, () => random.below(boards))) {
      other.push(await timed(() => get(server, then(list(board)))));
    }
    const now = [];
    for (const board of some) now.push(await timed(() => get(server, list(board))));
    const changed = shuffled(Array.from({ length: changes - notYet / step }, (_, i) => step * (1 + i)), random);
    const few = changed.slice(0, 200).map(byId);
    const rows = [];
    const compare = async (title, present, gone) => rows.push(...await compared(title, server, { present, gone, rounds, seconds }));
    await compare('One record', () => few, () => few.map((path) => then(path)));
    const everyOne = changed.map(byId);
    // As many moments as a round can ask of: none is asked about a second time.
    let asked = 0;
    const anew = () => Array.from({ length: 6 }, () => ++asked).flatMap((before) => everyOne.map((path) => then(path, position - before)));
    await compare('One record, each time another or another moment', () => everyOne, anew);
    await compare('A list of 20, sorted', () => some.map((board) => list(board)), () => some.map((board) => then(list(board))));
    await server.stop();
    server = await serve(copy, database.postgres?.pid, { PLINTH_CACHE__RECORDS: 'off' });
    await compare('One record, record cache off', () => everyOne, anew);
    if (asked >= notYet) throw new Error('there were not moments enough');
    rows.push(
      row('The first list at a moment that nobody asked about', 'ms', first),
      row('The first list of other records at a known moment', 'ms', other),
      row('A list as it is, asked the same way', 'ms', now));
    return {
      notes: [
        `${changes.toLocaleString('en')} of ${entries.toLocaleString('en')} records were changed after the moment. Lists as of then ` +
        'equal those that were answered then. Times of 4 connections; the last three rows one request after the other, by Node.',
      ],
      rows, raw: { first, other, now },
    };
  } finally {
    await server.stop();
  }
}

/** Two forms of a request, one after the other and in turns. What `gone` gives is asked anew each time. */
async function compared(title, server, { present, gone, rounds, seconds }) {
  const of = (name, paths) => requestFile(cacheFolder('requests'), `past-${name}.tsv`, paths.map((path) => ({ method: 'GET', path })));
  const run = async (name, paths, time = seconds) => {
    const { errors, refused, ...measured } = await load(server, { file: of(name, paths), seconds: time, connections: 4 });
    if (errors + refused > 0) throw new Error(`${title}: there were errors, see ${server.log}`);
    return measured;
  };
  await run('now', present(), 2);
  await run('then', gone(), 1);
  const measured = [];
  for (let i = 0; i < Math.min(rounds, 4); i++) {
    const turns = [async () => ({ now: await run('now', present()) }), async () => ({ then: await run('then', gone()) })];
    const [first, second] = i % 2 === 0 ? turns : turns.reverse();
    measured.push({ ...await first(), ...await second() });
  }
  return [
    row(`${title}, as it is`, 'µs', measured.map((m) => 4e6 / m.now.perSecond)),
    row(`${title}, as it was`, 'µs', measured.map((m) => 4e6 / m.then.perSecond)),
    row(`${title}: as it was over as it is, by time`, '×', measured.map((m) => m.now.perSecond / m.then.perSecond), { most: 2 }),
    row(`${title}: the same by processor time`, '×', measured.map((m) => m.then.cpuMicroseconds / m.now.cpuMicroseconds)),
  ];
}

function shuffled(items, random) {
  for (let i = items.length - 1; i > 0; i--) {
    const other = random.below(i + 1);
    [items[i], items[other]] = [items[other], items[i]];
  }
  return items;
}

async function timed(work) {
  const begin = performance.now();
  await work();
  return performance.now() - begin;
}

async function replay(database, { entries }, { repeats }) {
  const { folder, env } = await database.copy('replay');
  const run = (...args) => execFileSync(binary, args, { cwd: folder, env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
  const times = Math.min(repeats, 3);
  const replays = Array.from({ length: times }, () => {
    const report = JSON.parse(run('replay', '--json'));
    if (report.differences.length > 0) throw new Error(`the replay differs from the tables: ${JSON.stringify(report)}`);
    return report.eventsPerSecond;
  });
  const rebuilds = [];
  for (let i = 0; i < times; i++) rebuilds.push((await timed(() => run('projections', 'rebuild'))) / 1000);
  run('projections', 'verify');
  return {
    notes: [
      `The log of ${entries.toLocaleString('en')} creates; every replay was equal to the tables. A rebuild is the whole command, counts ` +
      `${entries.toLocaleString('en')} records into ${(entries / entriesPerBoard * lanes.length).toLocaleString('en')} groups at ` +
      'most, and was verified.',
    ],
    rows: [row('Replay', 'events/s', replays, { least: 100_000 }), row('A projection made anew', 's', rebuilds, { most: 20 })],
    raw: { replays, rebuilds },
  };
}

async function audit(database, { entries, audited, seconds }) {
  const users = 2_000;
  const copy = await database.copy(
    'audit', { name: 'audited', make: (folder, env, name) => multiply(database, folder, name, audited, users) });
  const server = await serve(copy, database.postgres?.pid);
  try {
    const signed = await exchange(server.url, { method: 'POST', path: '/auth/login', body: { email: 'auditor@example.org', password } });
    if (signed.status !== 200) throw new Error(`the auditor could not sign in: ${JSON.stringify(signed.body)}`);
    const headers = { authorization: `Bearer ${signed.body.accessToken}` };
    const random = new Random(3);
    const actor = () => `user-${random.below(users)}`;
    const place = () => 1 + random.below(audited);
    const questions = {
      'The newest': () => '/audit/logs?limit=50',
      'Of a model': () => `/audit/logs?model=Entry&limit=50&from=${place()}`,
      'Of a record': () => `/audit/entity/Entry/${1 + random.below(entries)}`,
      'Of a user': () => `/audit/user/${actor()}/activity?limit=50`,
      'Deletions of a time': () => `/audit/logs?operation=deleted&limit=50&to=${place()}`,
      'Of a user, of one kind, before': () => `/audit/logs?actor=${actor()}&operation=updated&model=Entry&limit=50&to=${place()}`,
      'Of a model, deletions before': () => `/audit/logs?model=Entry&operation=deleted&limit=50&to=${place()}`,
      'Statistics of a user': () => `/audit/statistics?actor=${actor()}`,
      'Statistics of everybody, up to a time': () => `/audit/statistics?to=${place()}`,
    };
    const rows = [];
    const all = [];
    const counts = {};
    for (const [title, make] of Object.entries(questions)) {
      const times = [];
      let found = 0;
      for (let i = 0; i < seconds * 100; i++) {
        const target = make();
        const begin = performance.now();
        const { body } = await get(server, target, headers);
        times.push(performance.now() - begin);
        found += body.items?.length ?? 1;
      }
      if (found === 0) throw new Error(`${title}: nothing was found`);
      times.sort((a, b) => a - b);
      all.push(...times);
      counts[title] = found / times.length;
      const p95 = times[Math.floor(times.length * 0.95)];
      rows.push({ title: `${title}: 95 of 100`, unit: 'ms', value: { median: p95, min: times[0], max: times.at(-1) }, most: 50 });
    }
    all.sort((a, b) => a - b);
    rows.push({
      title: 'All questions: 95 of 100', unit: 'ms',
      value: { median: all[Math.floor(all.length * 0.95)], min: all[0], max: all.at(-1) }, most: 50,
    });
    const chain = database.postgres ? 'with their chain of hashes, which plinth audit verify has followed'
      : 'without a chain of hashes over them';
    return {
      notes: [
        `${seconds * 100} questions of each kind, one after the other, each another; the range is from the quickest to the slowest. ` +
        `The log was made long by the database itself: its events are as the engine writes them, ${chain}. Statistics are of the ` +
        'newest events of a time, as many as one answer counts.',
      ],
      rows, raw: { counts },
    };
  } finally {
    await server.stop();
  }
}

/** Makes the log long by statements of the database: events like those that are there, of many users and kinds. */
function multiply(database, folder, name, audited, users) {
  process.stderr.write(`writing ${audited} events\n`);
  const of = {
    record: `cast(1 + (i * 7919) % ${database.size.entries} as text)`, version: '2 + i / 1000000',
    kind: `case when i % 1000 = 0 then 'deleted' when i % 10 = 0 then 'created' else 'updated' end`,
    data: `'{"set":{"score":' || (i % 1000) || ',"lane":"done"},"was":{"score":' || (i % 997) || ',"lane":"todo"}}'`,
    actor: `'user-' || (i * 31 % ${users})`,
  };
  if (database.postgres) multiplyOnServer(database, folder, name, audited, of);
  else multiplyInFile(folder, audited, of);
}

function multiplyInFile(folder, audited, of) {
  const insert = `insert into plinth_events (position, ordinal, tx_id, event_id, model, record_id, version, kind, data, digest, actor, at,
    schema_version) select i, 0, randomblob(16), randomblob(16), 'Entry', ${of.record}, ${of.version}, ${of.kind},
    cast(${of.data} as blob), randomblob(32), ${of.actor}, (select max(at) from plinth_commits) + i, 1
    from (with recursive s(i) as (select position + 1 from plinth_log_head union all select i + 1 from s where i < ${audited})
      select i from s) as s;
    update plinth_log_head set position = ${audited};`;
  // Indexes are made after the rows: one by one each event would touch a page of each.
  const file = path.join(folder, '.plinth/data.db');
  const sql = (text) => execFileSync(
    'sqlite3', [file], { input: `.bail on\n${text}`, encoding: 'utf8', stdio: ['pipe', 'pipe', 'inherit'] });
  const ofEvents = "tbl_name = 'plinth_events' and sql is not null and type = 'index'";
  const indexes = sql(`select name || '|' || replace(sql, char(10), ' ') from sqlite_master where ${ofEvents};`)
    .trim().split('\n').map((line) => [line.slice(0, line.indexOf('|')), line.slice(line.indexOf('|') + 1)]);
  sql(`pragma journal_mode = off; pragma synchronous = off; pragma cache_size = -1000000;
    ${indexes.map(([index]) => `drop index ${index};`).join('\n')} begin; ${insert} commit;
    ${indexes.map(([, text]) => `${text};`).join('\n')} pragma journal_mode = wal;`);
}

/** The same on a server, by transactions of a thousand events, each with its hash over the one before: what the engine itself computes. */
function multiplyOnServer(database, folder, name, audited, of) {
  const text = (column) => `coalesce(int4send(octet_length(e.${column})) || convert_to(e.${column}, 'UTF8'), int4send(-1))`;
  const indexes = database.postgres.sql(name, `select c.relname || '|' || replace(pg_get_indexdef(c.oid), ' ON ONLY ', ' ON ') from pg_index x
    join pg_class c on c.oid = x.indexrelid where x.indrelid = 'plinth_events'::regclass and not x.indisprimary`)
    .split('\n').map((line) => line.split('|'));
  const statements = [
    'set maintenance_work_mem = \'512MB\'', 'set synchronous_commit = off',
    ...indexes.map(([index]) => `drop index ${index}`),
    `do $body$
      declare t bytea; h bytea; p bigint; n bigint; moment bigint;
      begin
        select position, at, hash into p, moment, h from plinth_log_head;
        while p < ${audited} loop
          n := least(1000, ${audited} - p); moment := moment + 1000; t := uuid_send(gen_random_uuid());
          insert into plinth_events (position, ordinal, tx_id, event_id, model, record_id, version, kind, data, digest, actor, at,
            schema_version) select i, i - p - 1, t, uuid_send(gen_random_uuid()), 'Entry', ${of.record}, ${of.version}, ${of.kind}, d,
            sha256(d), ${of.actor}, moment, 1 from generate_series(p + 1, p + n) as s(i), lateral convert_to(${of.data}, 'UTF8') as l(d);
          select sha256(h || string_agg(int8send(e.position) || int8send(e.version) || int8send(e.at) || int8send(e.schema_version)
            || e.tx_id || e.event_id || e.digest || ${['model', 'record_id', 'kind', 'actor', 'tenant_id', 'cause'].map(text).join(' || ')}, ''::bytea
            order by e.position)) into h from plinth_events e where e.position > p and e.position <= p + n;
          insert into plinth_commits (first_position, count, tx_id, at, hash) values (p + 1, n, t, moment, h);
          p := p + n;
        end loop;
        update plinth_log_head set position = p, at = moment, hash = h;
      end $body$`,
    ...indexes.map(([, definition]) => definition),
    'vacuum analyze plinth_events', 'vacuum analyze plinth_commits',
  ];
  execFileSync('psql', [database.postgres.url(name), '-q', '-v', 'ON_ERROR_STOP=1', ...statements.flatMap((one) => ['-c', one])], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  execFileSync(binary, ['audit', 'verify'], { cwd: folder, env: database.env(name), stdio: ['ignore', 'ignore', 'inherit'] });
}
