// bench/run cel: the same rules over the same row, by Plinth and by @bufbuild/cel, in alternating turns of one run.
import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { spread } from '../harness/statistics.mjs';

const [assembly, output] = process.argv.slice(2);
const file = new URL('rules.json', import.meta.url).pathname, rules = JSON.parse(readFileSync(file, 'utf8')).rules;
const rounds = 7, milliseconds = 400;

function side(command, args) {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    async measure(name) {
      child.stdin.write(`${name} ${milliseconds}\n`);
      const { value, done } = await lines.next();
      if (done) throw new Error(`${command} ended`);
      return JSON.parse(value);
    },
    close: () => child.stdin.end(),
  };
}

const plinth = side('dotnet', [assembly, file]), peer = side(process.execPath, [new URL('peer.mjs', import.meta.url).pathname, file]);
const rows = [];
for (const name of Object.keys(rules)) {
  const ours = [], theirs = [];
  // The first round of each warms both up; it is not counted.
  for (let round = 0; round <= rounds; round++) {
    const [a, b] = [await plinth.measure(name), await peer.measure(name)];
    if (a.result !== b.result) throw new Error(`${name}: ${a.result} here, ${b.result} there`);
    if (round > 0) { ours.push(a); theirs.push(b); }
  }
  const ratio = spread(ours.map((a, i) => theirs[i].nanoseconds / a.nanoseconds));
  rows.push({ name, ours: spread(ours.map(a => a.nanoseconds)), bytes: Math.max(...ours.map(a => a.bytes)),
    theirs: spread(theirs.map(b => b.nanoseconds)), ratio });
}
plinth.close();
peer.close();

const n = value => value.toFixed(value < 100 ? 1 : 0);
const table = [
  '| rule | Plinth ns | bytes | @bufbuild/cel ns | ratio | range |', '| --- | --: | --: | --: | --: | --- |',
  ...rows.map(r => `| ${r.name} | ${n(r.ours.median)} | ${r.bytes} | ${n(r.theirs.median)} | ${n(r.ratio.median)} | ${n(r.ratio.min)}–${n(r.ratio.max)} |`),
].join('\n');
console.log(table);
if (output) {
  const list = Object.entries(rules).map(([name, text]) => `- ${name}: \`${text}\``).join('\n');
  writeFileSync(output, `# Rules evaluated, against @bufbuild/cel\n\n\`bench/run cel\`: ${rounds} alternating rounds of ${milliseconds} ms, ratios within a round.\n\n${table}\n\n${list}\n`);
}
