// Plinth as it is published: `plinth serve` on the bench's schema, default durability unless a row says otherwise.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { bench, cacheFolder, emptyFolder, repository } from '../paths.mjs';
import { start } from '../processes.mjs';
import { rest } from '../requests.mjs';

export const binary = path.join(repository, 'artifacts/publish/plinth');

/** Models in the order in which references allow them to be loaded. */
const models = ['Author', 'Post', 'Comment'];

/** @param recordCache false measures what the database and the row writers do by themselves. */
export function plinth({ synchronous = 'FULL', recordCache = true } = {}) {
  const name = `plinth${recordCache ? '' : '-uncached'}${synchronous === 'FULL' ? '' : '-normal'}`;
  return {
    name,
    label: `Plinth${recordCache ? '' : ', record cache off'}`,
    requests: rest,
    answer: (body) => body,
    async start(data, port) {
      const template = path.join(cacheFolder('templates'), `plinth-${data.size}`);
      if (!fs.existsSync(template)) prepare(template, data);
      const folder = emptyFolder('run', name);
      fs.cpSync(template, folder, { recursive: true });
      return await start({
        command: binary, port, probe: '/readyz', log: path.join(folder, 'log.txt'),
        args: ['serve', folder, '--port', String(port)],
        env: {
          PLINTH_DATABASE__SYNCHRONOUS: synchronous.toLowerCase(), PLINTH_CACHE__RECORDS: recordCache ? 'on' : 'off',
          // No line per request, as at the peers.
          PLINTH_LOG__LEVEL: 'warn',
        },
      });
    },
  };
}

function prepare(template, data) {
  const folder = emptyFolder('templates', `${path.basename(template)}.part`);
  fs.cpSync(path.join(bench, 'schema'), folder, { recursive: true });
  for (const model of models) {
    execFileSync(binary, ['import', model, path.join(data.folder, model + '.ndjson'), '--yes'], { cwd: folder, stdio: 'inherit' });
  }
  fs.renameSync(folder, template);
}
