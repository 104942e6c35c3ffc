// Express 5 with Sequelize 6 on PostgreSQL: the stack of many existing Node services.
import fs from 'node:fs';
import path from 'node:path';
import { bench, emptyFolder, node } from '../paths.mjs';
import { start } from '../processes.mjs';
import { rest } from '../requests.mjs';
import { copyForNode } from './postgres.mjs';

const version = JSON.parse(fs.readFileSync(path.join(bench, 'peers/package.json'), 'utf8')).dependencies;

export function expressOnPostgres() {
  const name = 'express';
  return {
    name,
    label: `Express ${version.express} + Sequelize ${version.sequelize}`,
    requests: rest,
    answer: (body) => body,
    async start(data, port, postgres) {
      const database = `run_${name}`;
      await copyForNode(data, postgres, database);
      const folder = emptyFolder('run', `postgres-${name}`);
      return await start({
        command: node, port, probe: '/api/posts/none', log: path.join(folder, 'log.txt'), env: { NODE_ENV: 'production' },
        besides: postgres.pid,
        args: [
          path.join(bench, 'peers/express-sequelize/server.mjs'), '--port', String(port), '--host', postgres.host,
          '--database-port', String(postgres.port), '--database', database,
        ],
      });
    },
  };
}
