// The routes of posts.
import { Op, ValidationError } from 'sequelize';
import { uuid7 } from '../fastify/uuid7.mjs';

const shown = ['id', 'title', 'body', 'section', 'authorId', 'views', 'likes', 'words', 'published', 'meta', 'createdAt', 'updatedAt'];
const newestFirst = [['createdAt', 'DESC'], ['id', 'DESC']];
const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const sections = new Set(['news', 'essay', 'review', 'howto']);

export function postRoutes(app, { sequelize, Author, Post, Comment, Event }) {
  app.get('/api/posts/:id', async (request, response) => {
    if (!uuid.test(request.params.id)) return response.status(400).json({ code: 'invalid' });
    const post = await Post.findOne({ attributes: shown, where: { id: request.params.id, published: true } });
    return post === null ? notFound(response) : response.json(post);
  });

  app.get('/api/posts', async (request, response) => {
    const { section, include } = request.query;
    const before = new Date(request.query['createdAt[lt]']), limit = Number(request.query.limit ?? 20);
    const isValid = sections.has(section) && !Number.isNaN(before.getTime()) && Number.isInteger(limit) && limit >= 1 && limit <= 100;
    if (!isValid) return response.status(400).json({ code: 'invalid' });
    const posts = await Post.findAll({
      attributes: shown, where: { section, createdAt: { [Op.lt]: before }, published: true }, order: newestFirst, limit: limit + 1,
      // A limit for each post's comments: one statement for all of them.
      include: include === undefined ? undefined : [
        { model: Author, attributes: ['id', 'name', 'email', 'bio', 'createdAt'] },
        {
          model: Comment, attributes: ['id', 'postId', 'name', 'text', 'approved', 'createdAt'], where: { approved: true }, required: false,
          separate: true, limit: 5, order: newestFirst,
        },
      ],
    });
    const more = posts.length > limit;
    if (more) posts.pop();
    const last = posts.at(-1);
    const next = more ? Buffer.from(JSON.stringify([last.createdAt, last.id])).toString('base64url') : null;
    return response.json({ items: posts, page: { next, previous: null, limit } });
  });

  app.post('/api/posts', async (request, response) => {
    const body = request.body;
    if ((body.views ?? 0) !== 0 || (body.likes ?? 0) !== 0) return response.status(403).json({ code: 'forbidden' });
    try {
      const created = await sequelize.transaction(async (transaction) => {
        const now = new Date();
        const post = await Post.create({ ...body, createdAt: now, updatedAt: now }, { transaction, fields: [...shown, 'version'] });
        const record = pick(post.toJSON());
        await event(transaction, record.id, 1, 'created', record, now);
        return record;
      });
      return response.status(201).location(`/api/posts/${created.id}`).json(created);
    } catch (error) {
      return refuse(error, response);
    }
  });

  app.patch('/api/posts/:id', async (request, response) => {
    if (!uuid.test(request.params.id)) return response.status(400).json({ code: 'invalid' });
    try {
      const changed = await sequelize.transaction(async (transaction) => {
        const post = await Post.findOne({
          where: { id: request.params.id, published: true }, transaction, lock: transaction.LOCK.UPDATE,
        });
        if (post === null) return undefined;
        const before = Object.fromEntries(Object.keys(request.body).map((name) => [name, post[name]]));
        post.set(request.body);
        if (!post.published) return null;
        post.set({ updatedAt: new Date(), version: post.version + 1 });
        await post.save({ transaction });
        await event(transaction, post.id, post.version, 'updated', { before, after: request.body }, post.updatedAt);
        return pick(post.toJSON());
      });
      if (changed === undefined) return notFound(response);
      return changed === null ? response.status(403).json({ code: 'forbidden' }) : response.json(changed);
    } catch (error) {
      return refuse(error, response);
    }
  });

  function event(transaction, recordId, version, kind, data, at) {
    return Event.create({ eventId: uuid7(), model: 'Post', recordId, version, kind, data, at }, { transaction });
  }
}

function refuse(error, response) {
  if (error instanceof ValidationError) return response.status(422).json({ code: 'validation_failed' });
  if (error.name === 'SequelizeForeignKeyConstraintError') return response.status(422).json({ code: 'unknown_reference' });
  throw error;
}

function pick(record) {
  return Object.fromEntries(shown.map((name) => [name, record[name]]));
}

function notFound(response) {
  return response.status(404).json({ code: 'not_found' });
}
