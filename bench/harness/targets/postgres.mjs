// The servers of the part on PostgreSQL: Plinth, and Fastify 5 with `pg`. All stand on one database server, each on a database of its own.
import { execFileSync } from 'node:child_process';
import { generateKeyPairSync, sign } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { bench, cacheFolder, emptyFolder, node } from '../paths.mjs';
import { start } from '../processes.mjs';
import { rest } from '../requests.mjs';
import { createReader, signIn, users } from '../signing.mjs';
import { binary } from './plinth.mjs';

const version = JSON.parse(fs.readFileSync(path.join(bench, 'peers/package.json'), 'utf8')).dependencies;
const models = ['Author', 'Post', 'Comment'];

/**
 * @param recordCache false measures what the database and the row writers do by themselves.
 * @param cacheBytes a bound of the record cache smaller than the usual; such a server is for rows that ask for it.
 * @param isSigned requests carry the access token (ES256) of a reader who signed in.
 */
export function plinthOnPostgres({ recordCache = true, cacheBytes, isSigned = false } = {}) {
  const name = `plinth${recordCache ? '' : '-uncached'}${cacheBytes === undefined ? '' : '-small-cache'}`;
  const kind = isSigned ? 'signed' : 'plinth';
  return {
    name,
    label: `Plinth${recordCache ? '' : ', record cache off'}${cacheBytes === undefined ? '' : `, record cache of ${cacheBytes}`}`,
    requests: rest,
    answer: (body) => body,
    isFor: cacheBytes !== undefined,
    hits: cacheBytes === undefined ? undefined : readHits,
    async start(data, port, postgres) {
      // The key lies beside the template: it seals what the database holds.
      const project = path.join(cacheFolder('templates'), `${kind}-postgres-${data.size}`);
      const database = `run_${kind}_${name.replaceAll('-', '_')}`;
      const template = `${kind}_${databaseName(data)}`;
      // Made by a checkout whose key is not here.
      if (!fs.existsSync(project)) postgres.sql('postgres', `drop database if exists ${template}`);
      await postgres.copy(template, database, (template) => prepare(project, data, postgres.url(template), isSigned));
      const folder = emptyFolder('run', `postgres-${name}`);
      fs.cpSync(project, folder, { recursive: true });
      const server = await start({
        command: binary, port, probe: '/readyz', log: path.join(folder, 'log.txt'), args: ['serve', folder, '--port', String(port)],
        besides: postgres.pid,
        env: {
          PLINTH_DATABASE__URL: postgres.url(database), PLINTH_CACHE__RECORDS: recordCache ? 'on' : 'off', PLINTH_LOG__LEVEL: 'warn',
          PLINTH_AUTH__ACCESS_MINUTES: '120', PLINTH_OPS__TOKEN: operator,
          ...(cacheBytes === undefined ? {} : { PLINTH_CACHE__BYTES: cacheBytes }),
        },
      });
      if (isSigned) server.headers = { authorization: `Bearer ${await signIn(server)}` };
      return server;
    },
  };
}

const operator = 'bench-operator-0123456789';

/** The counters of the record cache, from the server's own metrics. */
async function readHits(server) {
  const answer = await fetch(server.url + '/metrics', { headers: { authorization: `Bearer ${operator}` } });
  const page = await answer.text();
  const of = (name) => {
    const line = new RegExp(`^plinth_cache_${name}_total (\\d+)`, 'm').exec(page);
    if (line === null) throw new Error(`/metrics (${answer.status}) does not tell of the cache's ${name}`);
    return Number(line[1]);
  };
  return { hits: of('hits'), misses: of('misses') };
}

function prepare(project, data, url, isSigned) {
  fs.rmSync(project, { recursive: true, force: true });
  fs.cpSync(path.join(bench, 'schema'), project, { recursive: true });
  if (isSigned) fs.appendFileSync(path.join(project, 'schema.plinth'), users);
  const env = { ...process.env, PLINTH_DATABASE__URL: url };
  for (const model of models) {
    execFileSync(binary, ['import', model, path.join(data.folder, model + '.ndjson'), '--yes'], { cwd: project, stdio: 'inherit', env });
  }
  if (isSigned) createReader(project, env);
  execFileSync('psql', [url, '-qc', 'vacuum analyze'], { stdio: 'inherit' });
}

/**
 * @param workers processes that share the port; one is the usual deployment, one per core the other.
 * @param isSigned requests carry a token (ES256), which is verified by fast-jwt with its cache.
 */
export function fastifyOnPostgres({ workers = 1, isSigned = false } = {}) {
  const name = `fastify${workers === 1 ? '' : `-cluster-${workers}`}`;
  return {
    name,
    label: `Fastify ${version.fastify} + pg ${version.pg}` + (workers === 1 ? '' : `, cluster of ${workers}`)
      + (isSigned ? ` + fast-jwt ${version['fast-jwt']}` : ''),
    requests: rest,
    answer: (body) => body,
    async start(data, port, postgres) {
      const database = `run_${name.replaceAll('-', '_')}`;
      await copyForNode(data, postgres, database);
      const folder = emptyFolder('run', `postgres-${name}`);
      const { token, key } = isSigned ? issue(folder) : {};
      const server = await start({
        command: node, port, probe: '/api/posts/none', log: path.join(folder, 'log.txt'), env: { NODE_ENV: 'production' },
        besides: postgres.pid,
        args: [
          path.join(bench, 'peers/fastify-pg/server.mjs'), '--port', String(port), '--host', postgres.host,
          '--database-port', String(postgres.port), '--database', database, '--workers', String(workers),
          ...(isSigned ? ['--key', key] : []),
        ],
      });
      if (isSigned) server.headers = { authorization: `Bearer ${token}` };
      return server;
    },
  };
}

/** The tables that the Node peers share the form of. */
export function copyForNode(data, postgres, database) {
  return postgres.copy(`fastify_${databaseName(data)}`, database, (template) => execFileSync(
    node, [path.join(bench, 'peers/fastify-pg/load.mjs'), data.folder, postgres.host, String(postgres.port), template],
    { stdio: 'inherit' }));
}

/** A token as an identity provider would give, and the file of the key that it is verified with. */
function issue(folder) {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const key = path.join(folder, 'key.pem');
  fs.writeFileSync(key, publicKey.export({ type: 'spki', format: 'pem' }));
  const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const now = Math.floor(Date.now() / 1000);
  const claims = { iss: 'bench', aud: 'bench', sub: '0190a000-0000-7000-8000-000000000001', role: 'reader', iat: now, exp: now + 7200 };
  const signed = `${part({ alg: 'ES256', typ: 'JWT' })}.${part(claims)}`;
  const signature = sign('sha256', Buffer.from(signed), { key: privateKey, dsaEncoding: 'ieee-p1363' });
  return { token: `${signed}.${signature.toString('base64url')}`, key };
}

const databaseName = (data) => data.size.replace('-', '_');
