// The servers of the part on PostgreSQL: Plinth, and Fastify 5 with `pg`. All stand on one database server, each on a database of its own.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { bench, cacheFolder, emptyFolder, node } from '../paths.mjs';
import { start } from '../processes.mjs';
import { rest } from '../requests.mjs';
import { binary } from './plinth.mjs';

const version = JSON.parse(fs.readFileSync(path.join(bench, 'peers/package.json'), 'utf8')).dependencies;
const models = ['Author', 'Post', 'Comment'];

/** @param recordCache false measures what the database and the row writers do by themselves. */
export function plinthOnPostgres({ recordCache = true } = {}) {
  const name = `plinth${recordCache ? '' : '-uncached'}`;
  return {
    name,
    label: `Plinth${recordCache ? '' : ', record cache off'}`,
    requests: rest,
    answer: (body) => body,
    async start(data, port, postgres) {
      // The key lies beside the template: it seals what the database holds.
      const project = path.join(cacheFolder('templates'), `plinth-postgres-${data.size}`);
      const database = `run_${name.replace('-', '_')}`;
      await postgres.copy(`plinth_${databaseName(data)}`, database, (template) => prepare(project, data, postgres.url(template)));
      const folder = emptyFolder('run', `postgres-${name}`);
      fs.cpSync(project, folder, { recursive: true });
      return await start({
        command: binary, port, probe: '/readyz', log: path.join(folder, 'log.txt'), args: ['serve', folder, '--port', String(port)],
        besides: postgres.pid,
        env: {
          PLINTH_DATABASE__URL: postgres.url(database), PLINTH_CACHE__RECORDS: recordCache ? 'on' : 'off', PLINTH_LOG__LEVEL: 'warn',
        },
      });
    },
  };
}

function prepare(project, data, url) {
  fs.rmSync(project, { recursive: true, force: true });
  fs.cpSync(path.join(bench, 'schema'), project, { recursive: true });
  for (const model of models) {
    execFileSync(
      binary, ['import', model, path.join(data.folder, model + '.ndjson'), '--yes'],
      { cwd: project, stdio: 'inherit', env: { ...process.env, PLINTH_DATABASE__URL: url } });
  }
  execFileSync('psql', [url, '-qc', 'vacuum analyze'], { stdio: 'inherit' });
}

/** @param workers processes that share the port; one is the usual deployment, one per core the other. */
export function fastifyOnPostgres({ workers = 1 } = {}) {
  const name = `fastify${workers === 1 ? '' : `-cluster-${workers}`}`;
  return {
    name,
    label: `Fastify ${version.fastify} + pg ${version.pg}` + (workers === 1 ? '' : `, cluster of ${workers}`),
    requests: rest,
    answer: (body) => body,
    async start(data, port, postgres) {
      const database = `run_${name.replaceAll('-', '_')}`;
      await postgres.copy(`fastify_${databaseName(data)}`, database, (template) => execFileSync(
        node, [path.join(bench, 'peers/fastify-pg/load.mjs'), data.folder, postgres.host, String(postgres.port), template],
        { stdio: 'inherit' }));
      const folder = emptyFolder('run', `postgres-${name}`);
      return await start({
        command: node, port, probe: '/api/posts/none', log: path.join(folder, 'log.txt'), env: { NODE_ENV: 'production' },
        besides: postgres.pid,
        args: [
          path.join(bench, 'peers/fastify-pg/server.mjs'), '--port', String(port), '--host', postgres.host,
          '--database-port', String(postgres.port), '--database', database, '--workers', String(workers),
        ],
      });
    },
  };
}

const databaseName = (data) => data.size.replace('-', '_');
