// Fastify 5 with better-sqlite3, as one process or as a cluster.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { bench, cacheFolder, emptyFolder, node } from '../paths.mjs';
import { start } from '../processes.mjs';
import { rest } from '../requests.mjs';

const version = JSON.parse(fs.readFileSync(path.join(bench, 'peers/package.json'), 'utf8')).dependencies;

/** @param workers processes that share the port; one is the usual deployment, one per core the other. */
export function fastify({ workers = 1, synchronous = 'FULL' } = {}) {
  const name = `fastify${workers === 1 ? '' : `-cluster-${workers}`}${synchronous === 'FULL' ? '' : '-normal'}`;
  return {
    name,
    label: `Fastify ${version.fastify} + better-sqlite3 ${version['better-sqlite3']}` + (workers === 1 ? '' : `, cluster of ${workers}`),
    requests: rest,
    answer: (body) => body,
    async start(data, port) {
      const template = path.join(cacheFolder('templates'), `fastify-${data.size}.db`);
      if (!fs.existsSync(template)) {
        fs.rmSync(template + '.part', { force: true });
        execFileSync(node, [path.join(bench, 'peers/fastify/load.mjs'), data.folder, template + '.part'], { stdio: 'inherit' });
        fs.renameSync(template + '.part', template);
      }
      const folder = emptyFolder('run', name);
      fs.copyFileSync(template, path.join(folder, 'bench.db'));
      return await start({
        command: node, port, probe: '/api/posts/none', log: path.join(folder, 'log.txt'), env: { NODE_ENV: 'production' },
        args: [
          path.join(bench, 'peers/fastify/server.mjs'), '--port', String(port), '--database', path.join(folder, 'bench.db'),
          '--synchronous', synchronous, '--workers', String(workers),
        ],
      });
    },
  };
}
