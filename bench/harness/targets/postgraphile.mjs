// PostGraphile 4 on PostgreSQL, over the same tables with row rules, checks and a trigger that writes the event of each write.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { bench, emptyFolder, node } from '../paths.mjs';
import { start } from '../processes.mjs';
import { postgraphile as requests } from '../requests.mjs';
import { copyForNode } from './postgres.mjs';

const version = JSON.parse(fs.readFileSync(path.join(bench, 'peers/package.json'), 'utf8')).dependencies;

export function postgraphileOnPostgres() {
  const name = 'postgraphile';
  return {
    name,
    label: `PostGraphile ${version.postgraphile}`,
    requests,
    answer: fromGraphql,
    async start(data, port, postgres) {
      const database = `run_${name}`;
      await copyForNode(data, postgres, database);
      // A role belongs to the whole server; the database that had rights for it before is gone.
      postgres.sql(database, 'drop role if exists bench_web');
      execFileSync('psql', [
        postgres.url(database), '-qX', '-v', 'ON_ERROR_STOP=1', '-f', path.join(bench, 'peers/postgraphile/schema.sql'),
      ], { stdio: 'inherit' });
      const folder = emptyFolder('run', `postgres-${name}`);
      return await start({
        command: node, port, probe: '/graphql', log: path.join(folder, 'log.txt'), env: { NODE_ENV: 'production' }, besides: postgres.pid,
        args: [
          path.join(bench, 'peers/postgraphile/server.mjs'), '--port', String(port), '--host', postgres.host,
          '--database-port', String(postgres.port), '--database', database,
        ],
      });
    },
  };
}

/** An answer of GraphQL in the common form. */
function fromGraphql({ data, errors }) {
  if (errors !== undefined) throw new Error(`PostGraphile answered ${JSON.stringify(errors)}`);
  const [value] = Object.values(data);
  if (value.nodes === undefined) return timesOf(value.post ?? value);
  const { nodes, pageInfo } = value;
  return {
    items: nodes.map(({ authorByAuthorId, commentsByPostId, ...post }) => ({
      ...timesOf(post),
      ...(authorByAuthorId === undefined ? {} : { author: timesOf(authorByAuthorId), comments: commentsByPostId.nodes.map(timesOf) }),
    })),
    page: { next: pageInfo.hasNextPage ? pageInfo.endCursor : null, previous: null, limit: nodes.length },
  };
}

function timesOf(record) {
  for (const name of ['createdAt', 'updatedAt']) if (record[name]) record[name] = new Date(record[name]).toISOString();
  return record;
}
