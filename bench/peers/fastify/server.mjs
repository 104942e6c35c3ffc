// The common Node stack, written as its own guides advise: Fastify 5 with JSON schemas, better-sqlite3 with statements prepared once.
// It does what Plinth does in each row: validation on writes, the same access rules, an event row in the same transaction, UUIDv7 keys,
// the same JSON. It leaves out what makes no difference to the answer: OpenAPI, ETags, idempotency keys, logs, limits, metrics.
import cluster from 'node:cluster';
import { parseArgs } from 'node:util';
import Database from 'better-sqlite3';
import Fastify from 'fastify';
import { postRoutes } from './posts.mjs';

const { values: options } = parseArgs({
  options: {
    port: { type: 'string' }, database: { type: 'string' }, synchronous: { type: 'string', default: 'FULL' },
    workers: { type: 'string', default: '1' },
  },
});

if (cluster.isPrimary && Number(options.workers) > 1) {
  for (let i = 0; i < Number(options.workers); i++) cluster.fork();
  cluster.on('exit', (worker, code) => { if (code !== 0) process.exit(code); });
} else {
  const db = new Database(options.database);
  db.pragma('journal_mode = WAL');
  db.pragma(`synchronous = ${options.synchronous}`);
  db.pragma('foreign_keys = ON');
  db.pragma('busy_timeout = 5000');
  db.pragma('cache_size = -65536');
  db.pragma('mmap_size = 268435456');
  db.pragma('temp_store = MEMORY');

  const app = Fastify({ logger: false });
  postRoutes(app, db);
  await app.listen({ port: Number(options.port), host: '127.0.0.1' });
}
