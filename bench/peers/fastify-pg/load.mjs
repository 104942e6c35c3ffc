// Fills a PostgreSQL database with the data set: the tables a Node team would write for this schema, with the indexes Plinth has.
import fs from 'node:fs';
import path from 'node:path';
import readline from 'node:readline';
import pg from 'pg';

const [folder, host, port, database] = process.argv.slice(2);
const client = new pg.Client({ host, port: Number(port), user: 'bench', database });
await client.connect();
await client.query(`
  create table authors (
    id uuid primary key, name text not null, email text not null, bio text not null, created_at timestamptz not null);
  create table posts (
    id uuid primary key, title text not null, body text not null, section text not null, author_id uuid not null,
    views integer not null, likes integer not null, words integer not null, published boolean not null, meta jsonb not null,
    created_at timestamptz not null, updated_at timestamptz not null, version integer not null default 1);
  create table comments (
    id uuid primary key, post_id uuid not null, name text not null, text text not null, approved boolean not null,
    created_at timestamptz not null);
  create table events (
    position bigint generated always as identity primary key, event_id uuid not null, model text not null, record_id text not null,
    version integer not null, kind text not null, data jsonb not null, at timestamptz not null);
`);

// A thousand records to a statement, taken apart by the server.
for (const [table, model] of [['authors', 'Author'], ['posts', 'Post'], ['comments', 'Comment']]) {
  let records = [];
  const insert = async () => {
    if (records.length === 0) return;
    await client.query(
      `insert into ${table} select * from jsonb_populate_recordset(null::${table}, $1)`, [JSON.stringify(records)]);
    records = [];
  };
  await client.query('begin');
  const lines = readline.createInterface({ input: fs.createReadStream(path.join(folder, model + '.ndjson')) });
  for await (const line of lines) {
    const record = Object.fromEntries(Object.entries(JSON.parse(line)).map(([name, value]) => [snake(name), value]));
    records.push(model === 'Post' ? { ...record, version: 1 } : record);
    if (records.length === 1000) await insert();
  }
  await insert();
  await client.query('commit');
}
await client.query(`
  alter table posts add foreign key (author_id) references authors (id);
  alter table comments add foreign key (post_id) references posts (id);
  create index posts_section on posts (section, created_at desc, id desc);
  create index posts_author on posts (author_id);
  create index comments_post on comments (post_id, created_at desc, id desc);
  create index events_record on events (model, record_id, position);
`);
await client.query('vacuum analyze');
await client.end();

function snake(name) {
  return name.replace(/[A-Z]/g, (letter) => '_' + letter.toLowerCase());
}
