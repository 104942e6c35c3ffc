// The data set as NDJSON, one file per model: what `plinth import` reads, and what the peers are loaded from. Same seed, same bytes.
import fs from 'node:fs';
import path from 'node:path';
import { Random } from './random.mjs';

const epoch = Date.UTC(2023, 0, 1);
const postEveryMilliseconds = 600_000;

export const sizes = {
  full: { authors: 1_000, posts: 100_000, comments: 500_000 },
  quick: { authors: 100, posts: 5_000, comments: 25_000 },
};

/** Writes Author, Post and Comment under `folder` unless they are there, and returns what requests need to know about them. */
export function dataset(folder, size, seed) {
  const marker = path.join(folder, 'summary.json');
  if (!fs.existsSync(marker)) {
    fs.mkdirSync(folder, { recursive: true });
    fs.writeFileSync(marker, JSON.stringify(generate(folder, sizes[size], seed)));
  }
  return JSON.parse(fs.readFileSync(marker, 'utf8'));
}

function generate(folder, counts, seed) {
  const random = new Random(seed);
  const authors = generateAuthors(folder, counts.authors, random);
  const posts = generatePosts(folder, counts.posts, authors, random);
  generateComments(folder, counts.comments, posts.all, random);
  return { seed, counts, authors, published: posts.published, lastCreatedAt: posts.lastCreatedAt, firstCreatedAt: iso(epoch) };
}

function generateAuthors(folder, count, random) {
  const ids = [];
  const lines = new Lines(path.join(folder, 'Author.ndjson'));
  for (let i = 0; i < count; i++) {
    const at = epoch - 86_400_000 + i * 1000;
    const id = random.uuid7(at);
    ids.push(id);
    lines.add({ id, name: `Author ${i}`, email: `author${i}@example.org`, bio: random.words(20), createdAt: iso(at) });
  }
  lines.close();
  return ids;
}

function generatePosts(folder, count, authors, random) {
  const all = [];
  const published = [];
  const lines = new Lines(path.join(folder, 'Post.ndjson'));
  let at = epoch;
  for (let i = 0; i < count; i++) {
    // Never two posts of one moment: the order by createdAt alone is total, whatever a peer's tie-break.
    at = epoch + i * postEveryMilliseconds + random.below(postEveryMilliseconds);
    const id = random.uuid7(at);
    const isPublished = random.chance(90);
    all.push({ id, at });
    if (isPublished) published.push(id);
    lines.add({
      ...postBody(random, random.pick(authors)), id, views: random.below(100_000), likes: random.below(5_000),
      published: isPublished, createdAt: iso(at), updatedAt: iso(at),
    });
  }
  lines.close();
  return { all, published, lastCreatedAt: iso(at) };
}

function generateComments(folder, count, posts, random) {
  const lines = new Lines(path.join(folder, 'Comment.ndjson'));
  for (let i = 0; i < count; i++) {
    // 0 to about 15 comments on a post, five on average, no two of one moment.
    const post = random.pick(posts);
    const at = post.at + 1 + i;
    lines.add({
      id: random.uuid7(at), postId: post.id, name: `Reader ${random.below(10_000)}`, text: random.words(12),
      approved: random.chance(95), createdAt: iso(at),
    });
  }
  lines.close();
}

/** The fields of a post that a client writes when it creates one. */
export function postBody(random, authorId) {
  return {
    title: random.words(6), body: random.words(30), section: random.pick(sections), authorId,
    words: random.below(3_000), published: true, meta: { lang: random.pick(['en', 'de', 'fr']), tags: [random.words(1), random.words(1)] },
  };
}

export const sections = ['news', 'essay', 'review', 'howto'];

function iso(milliseconds) {
  return new Date(milliseconds).toISOString();
}

/** Buffered lines: a write per megabyte rather than per record. */
class Lines {
  #file;
  #parts = [];
  #length = 0;

  constructor(name) {
    this.#file = fs.openSync(name, 'w');
  }

  add(record) {
    const line = JSON.stringify(record) + '\n';
    this.#parts.push(line);
    this.#length += line.length;
    if (this.#length > 1 << 20) this.#flush();
  }

  close() {
    this.#flush();
    fs.closeSync(this.#file);
  }

  #flush() {
    fs.writeSync(this.#file, this.#parts.join(''));
    this.#parts = [];
    this.#length = 0;
  }
}
