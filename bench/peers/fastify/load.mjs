// Fills a better-sqlite3 database with the data set: the tables a Node team would write for this schema, with the indexes Plinth has.
import Database from 'better-sqlite3';
import fs from 'node:fs';
import path from 'node:path';
import readline from 'node:readline';

const [folder, file] = process.argv.slice(2);
const db = new Database(file);
db.pragma('journal_mode = WAL');
db.pragma('synchronous = OFF');
db.exec(`
  create table authors (
    id text primary key not null, name text not null, email text not null, bio text not null, created_at text not null);
  create table posts (
    id text primary key not null, title text not null, body text not null, section text not null,
    author_id text not null references authors (id), views integer not null, likes integer not null, words integer not null,
    published integer not null, meta text not null, created_at text not null, updated_at text not null,
    _version integer not null default 1);
  create table comments (
    id text primary key not null, post_id text not null references posts (id), name text not null, text text not null,
    approved integer not null, created_at text not null);
  create table events (
    position integer primary key, event_id text not null, model text not null, record_id text not null, version integer not null,
    kind text not null, data text not null, at text not null);
  create index posts_section on posts (section, created_at desc, id desc);
  create index posts_author on posts (author_id);
  create index comments_post on comments (post_id, created_at desc, id desc);
  create index events_record on events (model, record_id, position);
`);

const columns = {
  authors: ['id', 'name', 'email', 'bio', 'createdAt'],
  posts: ['id', 'title', 'body', 'section', 'authorId', 'views', 'likes', 'words', 'published', 'meta', 'createdAt', 'updatedAt'],
  comments: ['id', 'postId', 'name', 'text', 'approved', 'createdAt'],
};

const snake = (name) => name.replace(/[A-Z]/g, (letter) => '_' + letter.toLowerCase());
const stored = (value) => (typeof value === 'boolean' ? Number(value) : typeof value === 'object' ? JSON.stringify(value) : value);

for (const [table, model] of [['authors', 'Author'], ['posts', 'Post'], ['comments', 'Comment']]) {
  const names = columns[table];
  const insert = db.prepare(`insert into ${table} (${names.map(snake)}) values (${names.map(() => '?')})`);
  db.exec('begin');
  const lines = readline.createInterface({ input: fs.createReadStream(path.join(folder, model + '.ndjson')) });
  for await (const line of lines) {
    const record = JSON.parse(line);
    insert.run(names.map((name) => stored(record[name])));
  }
  db.exec('commit');
}
db.exec('analyze');
db.pragma('wal_checkpoint(TRUNCATE)');
db.close();
