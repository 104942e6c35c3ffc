// One JSON exchange, for setting peers up and for comparing answers; never for measuring.
import http from 'node:http';

const agent = new http.Agent({ keepAlive: true });

/** Sends one request and returns its status and parsed body (null when there is none). */
export function exchange(base, { method = 'GET', path, body, headers = {} }) {
  return new Promise((resolve, reject) => {
    const payload = body === undefined || typeof body === 'string' ? body : JSON.stringify(body);
    const request = http.request(base + path, {
      method, agent, headers: { accept: 'application/json', ...(payload ? { 'content-type': 'application/json' } : {}), ...headers },
    }, (response) => {
      const parts = [];
      response.on('data', (part) => parts.push(part));
      response.on('end', () => {
        const text = Buffer.concat(parts).toString('utf8');
        try {
          resolve({ status: response.statusCode, headers: response.headers, body: text === '' ? null : JSON.parse(text) });
        } catch {
          reject(new Error(`${method} ${path}: the answer is not JSON: ${text.slice(0, 200)}`));
        }
      });
    });
    request.on('error', reject);
    request.end(payload);
  });
}
