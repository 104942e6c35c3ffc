// The bench: options in, a report out. `bench/run --help` prints them.
import { parseArgs } from 'node:util';
import { dataset } from './dataset.mjs';
import { measureLimits } from './limits.mjs';
import { measureAudit, measurePast, measureReplay } from './log.mjs';
import { machine } from './machine.mjs';
import { measurePhase } from './measure.mjs';
import { measureRealtime } from './realtime.mjs';
import { cache, cacheFolder, results } from './paths.mjs';
import { report } from './report.mjs';
import { phases } from './rows.mjs';
import { measureSingles } from './singles.mjs';

const { values, positionals } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false }, rounds: { type: 'string' }, seconds: { type: 'string' }, 'warm-up': { type: 'string' },
    seed: { type: 'string', default: '20260721' }, 'peers-only': { type: 'boolean', default: false }, name: { type: 'string' },
    servers: { type: 'string' }, rows: { type: 'string' },
  },
  allowPositionals: true,
});

for (const name of ['rounds', 'seconds', 'warm-up', 'seed'])
  if (values[name] !== undefined && !(Number(values[name]) > 0)) throw new Error(`--${name} takes a number above 0, not ${values[name]}`);

const settings = {
  size: values.quick ? 'quick' : 'full',
  rounds: Number(values.rounds ?? (values.quick ? 2 : 7)),
  seconds: Number(values.seconds ?? (values.quick ? 1 : 4)),
  seed: Number(values.seed),
};
const options = {
  ...settings,
  warmUpSeconds: Number(values['warm-up'] ?? (values.quick ? 1 : 5)),
  repeats: values.quick ? 2 : 9,
  clone: !values.quick,
  admits: (target) => (!values['peers-only'] || !target.name.startsWith('plinth')) && among(values.servers, target.name),
  admitsRow: (row) => among(values.rows, row.id),
};
const own = { realtime: measureRealtime, 'log-past': measurePast, 'log-replay': measureReplay, 'log-audit': measureAudit };
const log = Object.keys(own).filter((name) => name.startsWith('log-'));
const wanted = positionals.length > 0 ? positionals.flatMap((name) => (name === 'log' ? log : [name])) : undefined;
const known = [...phases.map((phase) => phase.name), 'program', 'limits', ...Object.keys(own)];
for (const name of wanted ?? []) if (!known.includes(name)) throw new Error(`there is ${known.join(', ')}, but no ${name}`);
const wants = (name) => wanted === undefined || wanted.includes(name);
// Parts with data of their own, measured when they are named.
const alone = wanted !== undefined && wanted.every((name) => name in own);

const at = new Date().toISOString();
const folder = cacheFolder('data', `${settings.size}-${settings.seed}`);
const data = alone ? undefined : { ...dataset(folder, settings.size, settings.seed), folder, size: `${settings.size}-${settings.seed}` };
const run = { at, settings: alone ? undefined : settings, counts: data?.counts, machine: machine(), phases: [], singles: [], tables: [] };
for (const name of Object.keys(own).filter((name) => wanted?.includes(name))) run.tables.push(...[await own[name](options)].flat());
for (const phase of phases.filter(({ name, isAskedFor }) => (isAskedFor ? wanted?.includes(name) : wants(name))))
  run.phases.push(compared(await measurePhase(phase, data, options)));
if (wanted?.includes('limits')) run.limits = await measureLimits(options);
if (wants('program') && !values['peers-only']) run.singles = await measureSingles(data, options);

// A quick or partial run is for trying out: only a whole run lands among the results.
const kept = !values.quick && (wanted === undefined || alone) && !values['peers-only'] && !values.servers && !values.rows;
const name = values.name ?? `${alone ? positionals.join('-') : 'bench'}-${at.slice(0, 10)}`;
const markdown = report(kept ? results : `${cache}/results`, name, run);
process.stdout.write(markdown);

/** Whether a list of names, separated by commas, holds one; a list that is not given holds all. */
function among(list, name) {
  return list === undefined || list.split(',').includes(name);
}

/** Fills in a phase's comparisons between its own rows. */
function compared(phase) {
  const of = (row, server) => phase.rows.find(({ id }) => id === row)?.servers.find(({ name }) => name === server)?.perSecond.median;
  return {
    ...phase,
    comparisons: phase.comparisons.map((comparison) => {
      // Of a peer: what is compared is the ratio to it in both rows.
      const base = (row) => (comparison.peer === undefined ? 1 : of(row, comparison.peer));
      const times = (row) => of(row, comparison.of) / base(row);
      const ratio = times(comparison.row) / times(comparison.against);
      return Number.isNaN(ratio) ? comparison : { ...comparison, ratio, kept: ratio >= comparison.floor };
    }),
  };
}
