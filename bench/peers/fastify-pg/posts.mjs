// The routes of posts over a pool of connections. Every statement has a name, so that it is parsed and planned once per connection.
import { createSchema, getSchema, listSchema, updateSchema } from '../fastify/schemas.mjs';
import { uuid7 } from '../fastify/uuid7.mjs';

const columns =
  'id, title, body, section, author_id, views, likes, words, published, meta, created_at, updated_at';

export function postRoutes(app, pool) {
  app.get('/api/posts/:id', { schema: getSchema }, async (request, reply) => {
    const { rows } = await pool.query({
      name: 'post', text: `select ${columns} from posts where id = $1 and published`, values: [request.params.id],
    });
    return rows.length === 0 ? notFound(reply) : reply.send(post(rows[0]));
  });

  app.get('/api/posts', { schema: listSchema }, async (request, reply) => {
    const { section, limit, include } = request.query;
    // One row more than asked tells whether there is a next page.
    const { rows } = await pool.query({
      name: 'list',
      text: `select ${columns} from posts where section = $1 and created_at < $2 and published order by created_at desc, id desc limit $3`,
      values: [section, request.query['createdAt[lt]'], limit + 1],
    });
    const more = rows.length > limit;
    if (more) rows.pop();
    const items = rows.map(post);
    if (include !== undefined) await addRelations(pool, items);
    return reply.send({ items, page: { next: more ? cursor(rows.at(-1)) : null, previous: null, limit } });
  });

  app.post('/api/posts', { schema: createSchema }, async (request, reply) => {
    const body = request.body;
    if ((body.views ?? 0) !== 0 || (body.likes ?? 0) !== 0) return reply.code(403).send({ code: 'forbidden' });
    try {
      const created = await inTransaction(pool, (client) => create(client, body));
      return reply.code(201).header('Location', `/api/posts/${created.id}`).send(created);
    } catch (error) {
      if (error.code === '23503') return reply.code(422).send({ code: 'unknown_reference' });
      throw error;
    }
  });

  app.patch('/api/posts/:id', { schema: updateSchema }, async (request, reply) => {
    const changed = await inTransaction(pool, (client) => update(client, request.params.id, request.body));
    if (changed === undefined) return notFound(reply);
    return changed === null ? reply.code(403).send({ code: 'forbidden' }) : reply.send(changed);
  });
}

/** Authors and comments of a page: one statement each, at the same time. */
async function addRelations(pool, items) {
  const [authors, comments] = await Promise.all([
    pool.query({
      name: 'authors', text: 'select id, name, email, bio, created_at from authors where id = any($1)',
      values: [[...new Set(items.map((item) => item.authorId))]],
    }),
    pool.query({
      name: 'comments',
      text: `select c.* from unnest($1::uuid[]) as p(id) cross join lateral (
               select id, post_id, name, text, approved, created_at from comments where post_id = p.id and approved
               order by created_at desc, id desc limit 5) c`,
      values: [items.map((item) => item.id)],
    }),
  ]);
  const byId = new Map(authors.rows.map((row) => [row.id, author(row)]));
  const byPost = new Map();
  for (const item of items) {
    item.author = byId.get(item.authorId);
    byPost.set(item.id, (item.comments = []));
  }
  for (const row of comments.rows) byPost.get(row.post_id).push(comment(row));
}

async function inTransaction(pool, work) {
  const client = await pool.connect();
  try {
    await client.query('begin');
    const result = await work(client);
    await client.query('commit');
    return result;
  } catch (error) {
    await client.query('rollback');
    throw error;
  } finally {
    client.release();
  }
}

async function create(client, body) {
  const now = new Date();
  const { rows } = await client.query({
    name: 'create',
    text: `insert into posts (${columns}) values ($1, $2, $3, $4, $5, 0, 0, $6, $7, $8, $9, $9) returning ${columns}`,
    values: [
      uuid7(), body.title, body.body, body.section, body.authorId, body.words ?? 0, body.published ?? false, JSON.stringify(body.meta), now,
    ],
  });
  const created = post(rows[0]);
  await event(client, created.id, 1, 'created', created, now);
  return created;
}

async function update(client, id, patch) {
  const read = await client.query({
    name: 'read', text: `select ${columns}, version from posts where id = $1 and published for update`, values: [id],
  });
  if (read.rows.length === 0) return undefined;
  const row = read.rows[0];
  const before = {};
  for (const name in patch) before[name] = row[columnOf[name]];
  for (const name in patch) row[columnOf[name]] = patch[name];
  if (!row.published) return null;
  row.updated_at = new Date();
  await client.query({
    name: 'update',
    text: `update posts set title = $2, body = $3, section = $4, author_id = $5, views = $6, likes = $7, words = $8, published = $9,
             meta = $10, updated_at = $11, version = version + 1 where id = $1`,
    values: [
      id, row.title, row.body, row.section, row.author_id, row.views, row.likes, row.words, row.published, JSON.stringify(row.meta),
      row.updated_at,
    ],
  });
  await event(client, id, row.version + 1, 'updated', { before, after: patch }, row.updated_at);
  return post(row);
}

function event(client, id, version, kind, data, at) {
  return client.query({
    name: 'event',
    text: 'insert into events (event_id, model, record_id, version, kind, data, at) values ($1, $2, $3, $4, $5, $6, $7)',
    values: [uuid7(), 'Post', id, version, kind, JSON.stringify(data), at],
  });
}

const columnOf = {
  title: 'title', body: 'body', section: 'section', authorId: 'author_id', views: 'views', likes: 'likes', words: 'words',
  published: 'published', meta: 'meta',
};

function post(row) {
  return {
    id: row.id, title: row.title, body: row.body, section: row.section, authorId: row.author_id, views: row.views, likes: row.likes,
    words: row.words, published: row.published, meta: row.meta, createdAt: row.created_at, updatedAt: row.updated_at,
  };
}

function author(row) {
  return { id: row.id, name: row.name, email: row.email, bio: row.bio, createdAt: row.created_at };
}

function comment(row) {
  return { id: row.id, postId: row.post_id, name: row.name, text: row.text, approved: row.approved, createdAt: row.created_at };
}

function cursor(row) {
  return Buffer.from(JSON.stringify([row.created_at, row.id])).toString('base64url');
}

function notFound(reply) {
  return reply.code(404).send({ code: 'not_found' });
}
