// The common Node stack on PostgreSQL, written as its own guides advise: Fastify 5 with JSON schemas and `pg` with a pool and named
// statements, which the server prepares once per connection. It does what Plinth does in each row, as the peer beside it does on SQLite.
import cluster from 'node:cluster';
import { parseArgs } from 'node:util';
import { createVerifier } from 'fast-jwt';
import Fastify from 'fastify';
import fs from 'node:fs';
import pg from 'pg';
import { postRoutes } from './posts.mjs';

const { values: options } = parseArgs({
  options: {
    port: { type: 'string' }, host: { type: 'string' }, 'database-port': { type: 'string' }, database: { type: 'string' },
    connections: { type: 'string', default: '20' }, workers: { type: 'string', default: '1' }, key: { type: 'string' },
  },
});

if (cluster.isPrimary && Number(options.workers) > 1) {
  for (let i = 0; i < Number(options.workers); i++) cluster.fork();
  cluster.on('exit', (worker, code) => { if (code !== 0) process.exit(code); });
} else {
  const pool = new pg.Pool({
    host: options.host, port: Number(options['database-port']), user: 'bench', database: options.database,
    max: Math.floor(Number(options.connections) / Number(options.workers)),
  });
  const app = Fastify({ logger: false });
  if (options.key !== undefined) verifyTokens(app, fs.readFileSync(options.key));
  postRoutes(app, pool);
  await app.listen({ port: Number(options.port), host: '127.0.0.1' });
}

/** Every request must carry a token; one that was verified is known again. */
function verifyTokens(app, key) {
  const verify = createVerifier({ key, algorithms: ['ES256'], allowedIss: 'bench', allowedAud: 'bench', cache: true });
  app.decorateRequest('user', null);
  app.addHook('onRequest', async (request, reply) => {
    const [scheme, token] = (request.headers.authorization ?? '').split(' ');
    try {
      if (scheme !== 'Bearer') throw new Error('no token');
      request.user = verify(token);
    } catch {
      return reply.code(401).send({ code: 'unauthorized' });
    }
  });
}
