// A reader who signs in to Plinth before a row is measured.
import { execFileSync } from 'node:child_process';
import { exchange } from './http.mjs';
import { binary } from './targets/plinth.mjs';

const account = { email: 'bench@example.org', password: 'a long bench password' };

/** What the bench's schema gets where somebody signs in. */
export const users = '\nextend User {\n  role Role @default(reader)\n}\n';

export function createReader(folder, env = process.env) {
  execFileSync(
    binary, ['user', 'create', account.email, folder, '--role', 'reader'],
    { env: { ...env, PLINTH_USER_PASSWORD: account.password }, stdio: 'pipe' });
}

/** The access token, which must be one of public-key signature. */
export async function signIn(server) {
  const { status, body } = await exchange(server.url, { method: 'POST', path: '/auth/login', body: account });
  if (status !== 200) throw new Error(`signing in was answered ${status}: ${JSON.stringify(body)}`);
  const [header] = body.accessToken.split('.');
  const { alg } = JSON.parse(Buffer.from(header, 'base64url').toString('utf8'));
  if (alg !== 'ES256') throw new Error(`the access token is signed by ${alg}`);
  return body.accessToken;
}
