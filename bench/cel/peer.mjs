// @bufbuild/cel's side of bench/run cel: reads names of rules from its input, measures each, writes one line of JSON.
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { celEnv, isCelError, parse, plan } from '@bufbuild/cel';
import { strings } from '@bufbuild/cel/ext';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';

const data = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const instant = text => timestampFromDate(new Date(text));
const integers = of => Object.fromEntries(Object.entries(of).map(([name, value]) => [name, typeof value === 'number' ? BigInt(value) : value]));
const bindings = {
  ...integers(data.row), createdAt: instant(data.row.createdAt), auth: integers(data.auth), now: instant(data.now),
};
const env = celEnv({ funcs: strings });
const rules = Object.fromEntries(Object.entries(data.rules).map(([name, text]) => [name, plan(env, parse(text))]));

function measure(rule, milliseconds) {
  const batch = 500, start = process.hrtime.bigint(), end = start + BigInt(milliseconds) * 1_000_000n;
  let count = 0, trues = 0;
  while (process.hrtime.bigint() < end) {
    for (let i = 0; i < batch; i++) if (rule(bindings) === true) trues++;
    count += batch;
  }
  const nanoseconds = Number(process.hrtime.bigint() - start) / count;
  if (trues !== 0 && trues !== count) throw new Error('a rule changed its mind');
  return nanoseconds;
}

for await (const line of createInterface({ input: process.stdin })) {
  const [name, milliseconds] = line.split(' '), rule = rules[name], result = rule(bindings);
  if (isCelError(result)) throw new Error(`${name}: ${result.message}`);
  measure(rule, Number(milliseconds) / 4);
  console.log(JSON.stringify({ result, nanoseconds: measure(rule, Number(milliseconds)) }));
}
