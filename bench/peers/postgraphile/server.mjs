// PostGraphile 4: an API derived from the database, as Plinth's is from its schema. Callers have a database role of their own, so that row
// rules hold; that is the way its guides advise. It answers GraphQL, whose documents are constant and whose values are variables.
import { createServer } from 'node:http';
import { parseArgs } from 'node:util';
import { postgraphile } from 'postgraphile';

const { values: options } = parseArgs({
  options: { port: { type: 'string' }, host: { type: 'string' }, 'database-port': { type: 'string' }, database: { type: 'string' } },
});

const pool = { host: options.host, port: Number(options['database-port']), user: 'bench', database: options.database, max: 20 };
createServer(postgraphile(pool, 'public', {
  pgSettings: { role: 'bench_web' }, dynamicJson: true, disableQueryLog: true, graphiql: false, ignoreRBAC: false,
  setofFunctionsContainNulls: false,
})).listen(Number(options.port), '127.0.0.1');
