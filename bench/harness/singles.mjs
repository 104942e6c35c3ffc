// What is measured on the program itself rather than under load: start-up, idle memory, replay, check, save-to-served, clone-to-record.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { exchange } from './http.mjs';
import { bench, cacheFolder, emptyFolder, repository } from './paths.mjs';
import { start } from './processes.mjs';
import { spread } from './statistics.mjs';
import { binary, plinth } from './targets/plinth.mjs';

const port = 4830;

/** Every single measurement, in the order of the issue that set their bounds. */
export async function measureSingles(data, { repeats, clone }) {
  const started = await startOfCrm(repeats);
  const singles = [
    single('start', 'Start of examples/crm to its first answered request', 'ms', started.milliseconds, { most: 500 }),
    single('memory', 'Resident memory of it, idle', 'MB', started.megabytes, { most: 90 }),
    single('replay', 'Replay of the log', 'events/s', await replay(data, Math.min(repeats, 3)), { least: 100_000 }),
    single('check', '`plinth check` of a schema of 500 models', 'ms', checkOfBigSchema(repeats), { most: 300 }),
    single('save', 'Save to served in `plinth dev`', 'ms', await saveToServed(repeats), { most: 500 }),
  ];
  if (clone) {
    singles.push(single('clone', 'Clone to first record, packages already downloaded', 's', [await cloneToRecord()], { most: 60 }));
  }
  return singles;
}

function single(id, title, unit, values, bound) {
  const value = spread(values);
  return { id, title, unit, value, ...bound, kept: bound.least === undefined ? value.median < bound.most : value.median >= bound.least };
}

/** A copy of an example with its seeds loaded, which a reset does. */
function seeded(example, ...name) {
  const folder = emptyFolder('run', ...name);
  fs.cpSync(path.join(repository, 'examples', example), folder, { recursive: true });
  execFileSync(binary, ['db', 'reset', '--yes'], { cwd: folder, stdio: 'pipe' });
  return folder;
}

async function startOfCrm(repeats) {
  const folder = seeded('crm', 'start');
  const milliseconds = [];
  const megabytes = [];
  for (let i = 0; i < repeats; i++) {
    const begin = performance.now();
    const server = await serve('serve', folder, '/api/companies?limit=1');
    milliseconds.push(performance.now() - begin);
    await pause(3000);
    megabytes.push(server.residentMegabytes());
    await server.stop();
  }
  return { milliseconds, megabytes };
}

/** On the bench's own data: the log that the import wrote. */
async function replay(data, repeats) {
  const target = plinth();
  const server = await target.start(data, port);
  await server.stop();
  const folder = path.join(cacheFolder('run'), target.name);
  return Array.from({ length: repeats }, () => {
    const report = JSON.parse(execFileSync(binary, ['replay', '--json'], { cwd: folder, encoding: 'utf8' }));
    if (report.differences.length > 0) throw new Error(`the replay differs from the tables: ${JSON.stringify(report)}`);
    return report.eventsPerSecond;
  });
}

function checkOfBigSchema(repeats) {
  const folder = emptyFolder('run', 'big');
  fs.writeFileSync(path.join(folder, 'schema.plinth'), execFileSync(path.join(bench, 'schema/big.sh'), ['500']));
  return Array.from({ length: repeats }, () => {
    const begin = performance.now();
    execFileSync(binary, ['check', folder], { stdio: 'pipe' });
    return performance.now() - begin;
  });
}

/** From the write of schema.plinth to the first answer that knows the new field. */
async function saveToServed(repeats) {
  const folder = seeded('crm', 'save');
  const schema = path.join(folder, 'schema.plinth');
  const server = await serve('dev', folder, '/api/companies?limit=1');
  try {
    const times = [];
    for (let i = 0; i < repeats; i++) {
      const text = fs.readFileSync(schema, 'utf8').replace('model Company {', `model Company {\n  bench${i} String?`);
      const begin = performance.now();
      fs.writeFileSync(schema, text);
      while ((await exchange(server.url, { path: `/api/companies?limit=1&select=bench${i}` })).status !== 200) {
        if (performance.now() - begin > 20_000) throw new Error(`the saved schema was not served, see ${server.log}`);
        await pause(2);
      }
      times.push(performance.now() - begin);
      await pause(500);
    }
    return times;
  } finally {
    await server.stop();
  }
}

/** Seconds from `git clone` over the build to a book that was created through the API. Downloads are not counted: they are there. */
async function cloneToRecord() {
  const folder = emptyFolder('clone');
  const begin = performance.now();
  execFileSync('git', ['clone', '--quiet', repository, folder], { stdio: 'pipe' });
  const server = await start({
    command: path.join(folder, 'plinth'), args: ['dev', 'examples/books', '--port', String(port)], cwd: folder, port,
    probe: '/api/books?limit=1', log: path.join(cacheFolder('run'), 'clone.txt'), timeoutSeconds: 300,
  });
  try {
    const book = { title: 'First', slug: 'first', author: 'Someone' };
    const { status, body } = await exchange(server.url, { method: 'POST', path: '/api/books', body: book });
    if (status !== 201) throw new Error(`the first record was answered ${status}: ${JSON.stringify(body)}`);
    return (performance.now() - begin) / 1000;
  } finally {
    await server.stop();
  }
}

function serve(mode, folder, probe) {
  return start({
    command: binary, args: [mode, folder, '--port', String(port)], port, probe, log: path.join(cacheFolder('run'), `${mode}.txt`),
    env: { PLINTH_LOG__LEVEL: 'warn' },
  });
}

function pause(milliseconds) {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
