// Express 5 with an ORM, Sequelize 6, written as their own guides advise. It does what Plinth does in each row.
import { parseArgs } from 'node:util';
import express from 'express';
import { connect } from './models.mjs';
import { postRoutes } from './posts.mjs';

const { values: options } = parseArgs({
  options: { port: { type: 'string' }, host: { type: 'string' }, 'database-port': { type: 'string' }, database: { type: 'string' } },
});

const app = express();
app.disable('x-powered-by');
app.set('query parser', 'simple');
app.use(express.json({ limit: '1mb' }));
postRoutes(app, connect({ host: options.host, port: Number(options['database-port']), database: options.database }));
app.use((error, request, response, next) => {
  console.error(error);
  if (response.headersSent) return next(error);
  response.status(error.status ?? 500).json({ code: error.status ? 'invalid' : 'internal' });
});
app.listen(Number(options.port), '127.0.0.1');
