// Puts the data set into a stopped PocketBase's database file, in the column forms that PocketBase itself writes.
import Database from 'better-sqlite3';
import fs from 'node:fs';
import path from 'node:path';
import readline from 'node:readline';

const [folder, file] = process.argv.slice(2);
const db = new Database(file);
db.pragma('synchronous = OFF');

const tables = {
  authors: { file: 'Author', columns: ['id', 'name', 'email', 'bio', 'createdAt'] },
  posts: {
    file: 'Post',
    columns: ['id', 'title', 'body', 'section', 'authorId', 'views', 'likes', 'words', 'published', 'meta', 'createdAt', 'updatedAt'],
  },
  comments: { file: 'Comment', columns: ['id', 'postId', 'name', 'text', 'approved', 'createdAt'] },
};

function stored(name, value) {
  if (name === 'createdAt' || name === 'updatedAt') return value.replace('T', ' ');
  if (typeof value === 'boolean') return Number(value);
  return typeof value === 'object' ? JSON.stringify(value) : value;
}

for (const [table, { file: model, columns }] of Object.entries(tables)) {
  const insert = db.prepare(`insert into ${table} (${columns}) values (${columns.map(() => '?')})`);
  db.exec('begin');
  for await (const line of readline.createInterface({ input: fs.createReadStream(path.join(folder, model + '.ndjson')) })) {
    const record = JSON.parse(line);
    insert.run(columns.map((name) => stored(name, record[name])));
  }
  db.exec('commit');
}
db.exec('analyze');
db.pragma('wal_checkpoint(TRUNCATE)');
db.close();
