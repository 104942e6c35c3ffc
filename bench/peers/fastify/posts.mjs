// The routes of posts. `better-sqlite3` is synchronous: a request runs to its end, so statements need no pool.
import { createSchema, getSchema, listSchema, updateSchema } from './schemas.mjs';
import { uuid7 } from './uuid7.mjs';

export function postRoutes(app, db) {
  const one = db.prepare('select * from posts where id = ? and published = 1');
  const list = db.prepare(
    'select * from posts where section = ? and created_at < ? and published = 1 order by created_at desc, id desc limit ?');
  const relations = postRelations(db);
  const writes = postWrites(db);

  app.get('/api/posts/:id', { schema: getSchema }, (request, reply) => {
    const row = one.get(request.params.id);
    return row === undefined ? notFound(reply) : reply.send(post(row));
  });

  app.get('/api/posts', { schema: listSchema }, (request, reply) => {
    const { section, limit, include } = request.query;
    // One row more than asked tells whether there is a next page.
    const rows = list.all(section, request.query['createdAt[lt]'], limit + 1);
    const more = rows.length > limit;
    if (more) rows.pop();
    const items = rows.map(post);
    if (include !== undefined) relations.addTo(items);
    reply.send({ items, page: { next: more ? cursor(rows.at(-1)) : null, previous: null, limit } });
  });

  app.post('/api/posts', { schema: createSchema }, (request, reply) => {
    const body = request.body;
    if ((body.views ?? 0) !== 0 || (body.likes ?? 0) !== 0) return reply.code(403).send({ code: 'forbidden' });
    try {
      const row = writes.create(body);
      return reply.code(201).header('Location', `/api/posts/${row.id}`).send(post(row));
    } catch (error) {
      if (error.code === 'SQLITE_CONSTRAINT_FOREIGNKEY') return reply.code(422).send({ code: 'unknown_reference' });
      throw error;
    }
  });

  app.patch('/api/posts/:id', { schema: updateSchema }, (request, reply) => {
    const row = writes.update(request.params.id, request.body);
    if (row === undefined) return notFound(reply);
    return row === null ? reply.code(403).send({ code: 'forbidden' }) : reply.send(post(row));
  });
}

/** Authors and comments of a page of posts. Of the forms tried (a statement per post, a window function, this one) it costs least. */
function postRelations(db) {
  const authors = db.prepare('select * from authors where id in (select value from json_each(?))');
  const comments = db.prepare(
    `select c.* from json_each(?) p join comments c on c.rowid in (
       select rowid from comments where post_id = p.value and approved = 1 order by created_at desc, id desc limit 5)
     order by p.key, c.created_at desc, c.id desc`);
  return {
    addTo(items) {
      const byId = new Map();
      for (const row of authors.all(JSON.stringify([...new Set(items.map((item) => item.authorId))]))) byId.set(row.id, authorOf(row));
      const byPost = new Map();
      for (const item of items) {
        item.author = byId.get(item.authorId);
        byPost.set(item.id, (item.comments = []));
      }
      for (const row of comments.all(JSON.stringify([...byPost.keys()]))) byPost.get(row.post_id).push(comment(row));
    },
  };
}

function postWrites(db) {
  const read = db.prepare('select * from posts where id = ? and published = 1');
  const insert = db.prepare(
    `insert into posts (id, title, body, section, author_id, views, likes, words, published, meta, created_at, updated_at)
     values (@id, @title, @body, @section, @author_id, @views, @likes, @words, @published, @meta, @created_at, @updated_at)`);
  const change = db.prepare(
    `update posts set title = @title, body = @body, section = @section, author_id = @author_id, views = @views, likes = @likes,
     words = @words, published = @published, meta = @meta, updated_at = @updated_at, _version = _version + 1 where id = @id`);
  const event = db.prepare(
    'insert into events (event_id, model, record_id, version, kind, data, at) values (?, ?, ?, ?, ?, ?, ?)');

  const create = db.transaction((body) => {
    const now = new Date().toISOString();
    const row = {
      id: uuid7(), title: body.title, body: body.body, section: body.section, author_id: body.authorId, views: 0, likes: 0,
      words: body.words ?? 0, published: body.published ? 1 : 0, meta: JSON.stringify(body.meta), created_at: now, updated_at: now,
    };
    insert.run(row);
    event.run(uuid7(), 'Post', row.id, 1, 'created', JSON.stringify(post(row)), now);
    return row;
  });

  const update = db.transaction((id, patch) => {
    const row = read.get(id);
    if (row === undefined) return undefined;
    const before = {};
    for (const name in patch) before[name] = row[columnOf[name]];
    for (const name in patch) row[columnOf[name]] = stored(patch[name]);
    if (row.published !== 1) return null;
    row.updated_at = new Date().toISOString();
    change.run(row);
    event.run(uuid7(), 'Post', id, row._version + 1, 'updated', JSON.stringify({ before, after: patch }), row.updated_at);
    return row;
  });

  // Immediate: with two processes a deferred transaction that reads first would fail at its first write instead of waiting its turn.
  return { create: create.immediate, update: update.immediate };
}

const columnOf = {
  title: 'title', body: 'body', section: 'section', authorId: 'author_id', views: 'views', likes: 'likes', words: 'words',
  published: 'published', meta: 'meta',
};

const stored = (value) => (typeof value === 'boolean' ? Number(value) : typeof value === 'object' ? JSON.stringify(value) : value);

function post(row) {
  return {
    id: row.id, title: row.title, body: row.body, section: row.section, authorId: row.author_id, views: row.views, likes: row.likes,
    words: row.words, published: row.published === 1, meta: JSON.parse(row.meta), createdAt: row.created_at, updatedAt: row.updated_at,
  };
}

function authorOf(row) {
  return { id: row.id, name: row.name, email: row.email, bio: row.bio, createdAt: row.created_at };
}

function comment(row) {
  return { id: row.id, postId: row.post_id, name: row.name, text: row.text, approved: row.approved === 1, createdAt: row.created_at };
}

function cursor(row) {
  return Buffer.from(JSON.stringify([row.created_at, row.id])).toString('base64url');
}

function notFound(reply) {
  return reply.code(404).send({ code: 'not_found' });
}
