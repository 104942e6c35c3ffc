// What both Fastify peers refuse: the same bounds as the bench's schema.
const text = (maxLength, minLength = 0) => ({ type: 'string', minLength, maxLength });
const writable = {
  title: text(200, 1), body: text(20000), section: { enum: ['news', 'essay', 'review', 'howto'] },
  authorId: { type: 'string', format: 'uuid' }, views: { type: 'integer', minimum: 0, maximum: 2000000000 },
  likes: { type: 'integer', minimum: 0, maximum: 2000000000 }, words: { type: 'integer', minimum: 0, maximum: 1000000 },
  published: { type: 'boolean' }, meta: {},
};
export const createSchema = {
  body: { type: 'object', required: ['title', 'body', 'section', 'authorId', 'meta'], properties: writable, additionalProperties: false },
};
export const updateSchema = {
  params: { type: 'object', properties: { id: { type: 'string', format: 'uuid' } } },
  body: { type: 'object', properties: writable, additionalProperties: false, minProperties: 1 },
};
export const getSchema = { params: { type: 'object', properties: { id: { type: 'string', format: 'uuid' } } } };
export const listSchema = {
  querystring: {
    type: 'object', additionalProperties: false, required: ['section', 'createdAt[lt]', 'sort'],
    properties: {
      section: writable.section, 'createdAt[lt]': { type: 'string', format: 'date-time' }, sort: { const: '-createdAt' },
      limit: { type: 'integer', minimum: 1, maximum: 100, default: 20 }, include: { const: 'author,comments(limit:5,sort:-createdAt)' },
    },
  },
};
