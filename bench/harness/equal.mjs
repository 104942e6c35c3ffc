// A row is only measured when all servers answer the same. Compared are parsed answers; what may differ is named here and nowhere else:
// the cursor's text, fractions of a second written with three or six digits, updatedAt (an import sets it, the peers' tables keep the data
// set's), and of a created record what the server itself chooses (key, createdAt).
import assert from 'node:assert/strict';
import { exchange } from './http.mjs';
import { creates } from './requests.mjs';

const time = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/;
const compared = 20;

/** Sends the first requests of a row to every server and throws at the first difference, naming the request. */
export async function assertEqualAnswers(row, entrants) {
  for (let i = 0; i < compared; i++) {
    const answers = [];
    for (const { target, server, list } of entrants) {
      const { status, body } = await exchange(server.url, list[i]);
      if (status >= 300 || body === null) {
        throw new Error(`${target.name} answered ${status} to ${list[i].method} ${list[i].path}: ${JSON.stringify(body)}`);
      }
      answers.push({ name: target.name, value: canonical(target.answer(body), creates(list[i])) });
    }
    for (const { name, value } of answers.slice(1)) {
      assert.deepEqual(value, answers[0].value, `row ${row.id}: ${name} and ${answers[0].name} differ on ${entrants[0].list[i].path}`);
    }
  }
}

function canonical(value, isNew) {
  const record = comparable(value);
  for (const one of record.items ?? [record]) one.updatedAt = presence(one.updatedAt);
  if (isNew) for (const name of ['id', 'createdAt']) record[name] = presence(record[name]);
  if (record.page !== undefined) record.page.next = presence(record.page.next);
  return record;
}

function presence(value) {
  return value === null || value === undefined || value === '' ? 'absent' : 'present';
}

function comparable(value) {
  if (typeof value === 'string') return time.test(value) ? new Date(value).toISOString() : value;
  if (value === null || typeof value !== 'object') return value;
  if (Array.isArray(value)) return value.map(comparable);
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, comparable(inner)]));
}
