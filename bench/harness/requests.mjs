// The requests of each row, in the REST form that Plinth and the Fastify peer share and in PocketBase's form. 4,000 per row, by seed.
import fs from 'node:fs';
import path from 'node:path';
import { postBody, sections } from './dataset.mjs';
import { Random } from './random.mjs';

const usual = 4_000;
const hot = 2_000;

/**
 * Random but repeatable requests for one row: `make(random, data)` returns { method, path, body }.
 * `make(random, data, index)` may look at its place in the list.
 * @param headers sent with each of them, such as the credentials of who was signed in at the start.
 */
export function requests(make, data, seed, headers, count = usual) {
  const random = new Random(seed);
  return Array.from({ length: count }, (_, index) => ({ ...make(random, data, index), headers }));
}

/** Writes requests in the form that load/requests.lua reads. */
export function requestFile(folder, name, list) {
  const file = path.join(folder, name);
  const line = (r) => [r.method, r.path, r.body === undefined ? '' : JSON.stringify(r.body), r.headers?.authorization ?? ''].join('\t');
  fs.writeFileSync(file, list.map((r) => line(r) + '\n').join(''));
  return file;
}

/** Whether an answer's key and time are the server's own choice. */
export const creates = (request) => request.creates ?? request.method === 'POST';

/** A moment in the last nine tenths of the data set's time, so that every page is full. */
function moment(random, data) {
  const first = Date.parse(data.firstCreatedAt);
  const last = Date.parse(data.lastCreatedAt);
  const tenth = (last - first) / 10;
  return new Date(first + tenth + Math.floor((random.next() / 2 ** 32) * 9 * tenth)).toISOString();
}

const listPath = (random, data, limit) =>
  `/api/posts?section=${random.pick(sections)}&createdAt%5Blt%5D=${moment(random, data)}&sort=-createdAt&limit=${limit}`;

const change = (random) => ({ title: random.words(6), likes: random.below(5_000) });

/** In the form of the wire that Plinth documents. */
export const rest = {
  byId: (random, data) => ({ method: 'GET', path: `/api/posts/${random.pick(data.published)}` }),
  list: (random, data) => ({ method: 'GET', path: listPath(random, data, 50) }),
  listPublished: (random, data) => ({ method: 'GET', path: listPath(random, data, 50) + '&published=true' }),
  nested: (random, data) => ({
    method: 'GET', path: listPath(random, data, 20) + '&include=author,comments(limit:5,sort:-createdAt)',
  }),
  create: (random, data) => ({ method: 'POST', path: '/api/posts', body: postBody(random, random.pick(data.authors)) }),
  update: (random, data) => ({ method: 'PATCH', path: `/api/posts/${random.pick(data.published)}`, body: change(random) }),
  // Nine of ten ask for one of 2,000 posts that everybody reads, the tenth for any: a cache with room for the former has nine hits in ten.
  byIdMostlyHot: (random, data, index) => (
    index % 10 === 9 ? rest.byId(random, data) : { method: 'GET', path: `/api/posts/${data.published[random.below(hot)]}` }),
  // Every fiftieth names an author who is not there: refused by the data, not by the form.
  createSomeRefused: (random, data, index) => (
    index % 50 === 49 ? { method: 'POST', path: '/api/posts', body: postBody(random, random.uuid()) } : rest.create(random, data)),
  // 80 reads of one record, 10 lists, 5 creates, 5 updates.
  mixed: (random, data, index) => {
    const kind = index % 20;
    return kind === 0 ? rest.create(random, data) : kind === 10 ? rest.update(random, data) : kind % 10 === 5 ? rest.list(random, data)
      : rest.byId(random, data);
  },
};

const graphqlPost = 'id title body section authorId views likes words published meta createdAt updatedAt';
const graphqlPage = (inner) =>
  `query($section:String!,$until:Datetime!){postsPage(section:$section,until:$until,first:${inner === '' ? 50 : 20}){` +
  `nodes{${graphqlPost}${inner}}pageInfo{hasNextPage endCursor}}}`;
const relations = ' authorByAuthorId{id name email bio createdAt}' +
  ' commentsByPostId(first:5,orderBy:[CREATED_AT_DESC,ID_DESC]){nodes{id postId name text approved createdAt}}';
const graphql = (query, variables, creates = false) => ({ method: 'POST', path: '/graphql', body: { query, variables }, creates });
const page = (random, data, inner) => graphql(graphqlPage(inner), { section: random.pick(sections), until: moment(random, data) });

/** In PostGraphile's GraphQL: constant documents. Random numbers are drawn in the same order as above. */
export const postgraphile = {
  byId: (random, data) => graphql(`query($id:UUID!){postById(id:$id){${graphqlPost}}}`, { id: random.pick(data.published) }),
  list: (random, data) => page(random, data, ''),
  nested: (random, data) => page(random, data, relations),
  create: (random, data) => graphql(
    `mutation($post:PostInput!){createPost(input:{post:$post}){post{${graphqlPost}}}}`,
    { post: postBody(random, random.pick(data.authors)) }, true),
  update: (random, data) => graphql(
    `mutation($id:UUID!,$patch:PostPatch!){updatePostById(input:{id:$id,postPatch:$patch}){post{${graphqlPost}}}}`,
    { id: random.pick(data.published), patch: change(random) }),
};

const records = '/api/collections/posts/records';

/** In PocketBase's form. Random numbers are drawn in the same order as above, so both ask for the same things. */
export const pocketbase = {
  byId: (random, data) => ({ method: 'GET', path: `${records}/${random.pick(data.published)}` }),
  list: (random, data) => {
    const filter = `section="${random.pick(sections)}" && createdAt<"${moment(random, data).replace('T', ' ')}"`;
    // skipTotal is PocketBase's own advice for lists that need no count.
    return { method: 'GET', path: `${records}?perPage=50&skipTotal=1&sort=-createdAt&filter=${encodeURIComponent(filter)}` };
  },
  create: (random, data) => ({ method: 'POST', path: records, body: postBody(random, random.pick(data.authors)) }),
  update: (random, data) => ({ method: 'PATCH', path: `${records}/${random.pick(data.published)}`, body: change(random) }),
};
