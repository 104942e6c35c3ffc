// The requests of each row, in the REST form that Plinth and the Fastify peer share and in PocketBase's form. 4,000 per row, by seed.
import fs from 'node:fs';
import path from 'node:path';
import { postBody, sections } from './dataset.mjs';
import { Random } from './random.mjs';

const count = 4_000;

/**
 * Random but repeatable requests for one row: `make(random, data)` returns { method, path, body }.
 * @param headers sent with each of them, such as the credentials of who was signed in at the start.
 */
export function requests(make, data, seed, headers) {
  const random = new Random(seed);
  return Array.from({ length: count }, () => ({ ...make(random, data), headers }));
}

/** Writes requests in the form that load/requests.lua reads. */
export function requestFile(folder, name, list) {
  const file = path.join(folder, name);
  const line = (r) => [r.method, r.path, r.body === undefined ? '' : JSON.stringify(r.body), r.headers?.authorization ?? ''].join('\t');
  fs.writeFileSync(file, list.map((r) => line(r) + '\n').join(''));
  return file;
}

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
