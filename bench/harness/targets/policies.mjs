// Plinth three times on the same posts: open to everyone and asked by nobody, open and asked by who is signed in, and under rules of role
// and owner and asked by who is signed in. The answers are the same, so the difference is what session and rules cost.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { bench, cacheFolder, emptyFolder } from '../paths.mjs';
import { start } from '../processes.mjs';
import { rest } from '../requests.mjs';
import { createReader, signIn, users } from '../signing.mjs';
import { binary } from './plinth.mjs';

/** What stands in the bench's schema, and takes the place of a reader's rules for a post. */
const writtenRule = '@@allow("read", published || auth.role == "editor")';
const open = '@@allow("read", true)';
const ruled = [
  '@@allow("read", authorId == auth.id)', '@@allow("read", auth.role == "reader" && published)', '@@allow("read", auth.role == "editor")',
].join('\n  ');

/**
 * @param isRuled a post is shown to its author, to readers when it is published, and to editors.
 * @param isSigned requests carry the access token (ES256) of a user who signed in, a reader.
 */
export function policies({ isRuled, isSigned }) {
  const name = isRuled ? 'plinth-ruled' : isSigned ? 'plinth-signed' : 'plinth-open';
  return {
    name,
    label: `Plinth, ${isRuled ? 'rules of role and owner' : 'open'}, ${isSigned ? 'signed in' : 'anonymous'}`,
    requests: rest,
    answer: (body) => body,
    async start(data, port) {
      const template = path.join(cacheFolder('templates'), `${name}-${data.size}`);
      if (!fs.existsSync(template)) prepare(template, data, isRuled, isSigned);
      const folder = emptyFolder('run', name);
      fs.cpSync(template, folder, { recursive: true });
      const server = await start({
        command: binary, port, probe: '/readyz', log: path.join(folder, 'log.txt'), args: ['serve', folder, '--port', String(port)],
        // Longer than the longest run; who signs in again meanwhile would measure that.
        env: { PLINTH_LOG__LEVEL: 'warn', PLINTH_AUTH__ACCESS_MINUTES: '120' },
      });
      if (isSigned) server.headers = { authorization: `Bearer ${await signIn(server)}` };
      return server;
    },
  };
}

function prepare(template, data, isRuled, isSigned) {
  const folder = emptyFolder('templates', `${path.basename(template)}.part`);
  const written = fs.readFileSync(path.join(bench, 'schema/schema.plinth'), 'utf8');
  if (!written.includes(writtenRule)) throw new Error('the rule for reading posts is not where it was: bench/harness/targets/policies.mjs');
  fs.writeFileSync(path.join(folder, 'schema.plinth'), written.replace(writtenRule, isRuled ? ruled : open) + (isSigned ? users : ''));
  // Comments are not asked for.
  for (const model of ['Author', 'Post']) {
    execFileSync(binary, ['import', model, path.join(data.folder, model + '.ndjson'), '--yes'], { cwd: folder, stdio: 'inherit' });
  }
  if (isSigned) createReader(folder);
  fs.renameSync(folder, template);
}
