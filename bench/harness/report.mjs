// One run as JSON (everything), Markdown (to read) and SVG (to see).
import fs from 'node:fs';
import path from 'node:path';
import { plot } from './plot.mjs';

/** Writes <name>.json, <name>.md and <name>.svg into `folder`, and returns the Markdown. */
export function report(folder, name, run) {
  fs.mkdirSync(folder, { recursive: true });
  const write = (extension, text) => fs.writeFileSync(path.join(folder, `${name}.${extension}`), text);
  const markdown = markdownOf(run, `${name}.svg`);
  write('json', JSON.stringify(run, null, 1) + '\n');
  write('md', markdown);
  if (run.phases.length > 0) write('svg', plot(run));
  return markdown;
}

function markdownOf(run, picture) {
  const { machine, settings } = run;
  const out = [`# Bench of ${run.at.slice(0, 10)}`, ''];
  if (settings !== undefined) {
    out.push(
      `Interleaved rounds: ${settings.rounds} of ${settings.seconds} s each; medians. Data set \`${settings.size}\` ` +
      `(${Object.entries(run.counts).map(([what, count]) => `${count.toLocaleString('en')} ${what}`).join(', ')}), seed ${settings.seed}.`);
  }
  out.push(
    `${machine.processor}, ${machine.cores} cores shared by server and load generator, ${machine.memoryGigabytes} GB, ${machine.system}, ` +
    `${machine.fileSystem}; fdatasync ${machine.fdatasyncMicroseconds} µs; load before the run ${machine.loadBefore.toFixed(2)}. ` +
    `Node ${machine.node}, .NET SDK ${machine.dotnet}, wrk ${machine.wrk}; commit ${machine.commit}.`, '');
  if (run.phases.length > 0) out.push(`![ratios](${picture})`, '');
  for (const phase of run.phases) out.push(...phaseLines(phase));
  if (run.limits !== undefined) out.push(...limitLines(run.limits));
  if (run.singles.length > 0) out.push(...singleLines(run.singles));
  for (const table of run.tables) out.push(...tableLines(table));
  return out.join('\n') + '\n';
}

function phaseLines(phase) {
  const out = [`## ${phase.title}`, ''];
  for (const row of phase.rows) {
    out.push(
      `### ${row.title} (${row.connections} connection${row.connections === 1 ? '' : 's'}; fdatasync ${row.fdatasyncMicroseconds} µs)`, '',
      '| server | requests/s | range | p50 ms | p99 ms | CPU µs/request | bytes | RSS MB |', '|---|--:|--:|--:|--:|--:|--:|--:|');
    for (const s of row.servers) {
      out.push(
        `| ${s.label}${s.hits === undefined ? '' : ` (${(s.hits * 100).toFixed(1)} % hits)`} | ` +
        `${whole(s.perSecond.median)} | ${whole(s.perSecond.min)}–${whole(s.perSecond.max)} | ` +
        `${s.p50Milliseconds.toFixed(2)} | ${s.p99Milliseconds.toFixed(2)} | ${s.cpuMicroseconds.toFixed(1)} | ` +
        `${whole(s.bytesPerRequest)} | ${whole(s.residentMegabytes)} |`);
    }
    out.push('');
    if (row.promises.length > 0) {
      out.push('| ratio | median | range | of CPU per request | floor | goal | |', '|---|--:|--:|--:|--:|--:|---|');
      for (const p of row.promises) {
        out.push(
          `| ${p.of} / ${p.against} | **${p.ratio.median.toFixed(2)}** | ${p.ratio.min.toFixed(2)}–${p.ratio.max.toFixed(2)} | ` +
          `${p.cpuRatio.toFixed(2)} | ${p.floor ?? ''} | ${p.goal ?? ''} | ${p.floor === undefined ? '' : p.kept ? 'kept' : '**missed**'} |`);
      }
      out.push('');
    }
  }
  for (const c of phase.comparisons.filter((comparison) => comparison.ratio !== undefined)) {
    const peer = c.peer === undefined ? '' : `, each over ${c.peer},`;
    const verdict = c.kept ? 'kept' : '**missed**';
    out.push(`${c.of}: ${c.row} over ${c.against}${peer} is **${c.ratio.toFixed(2)}** (floor ${c.floor}): ${verdict}.`, '');
  }
  return out;
}

function limitLines(limits) {
  const out = ['## Limits of the machine, in the same run', '', '| what | median | range |', '|---|--:|--:|'];
  for (const { title, unit, value } of limits) {
    out.push(`| ${title} | ${whole(value.median)}${unit} | ${whole(value.min)}–${whole(value.max)} |`);
  }
  return [...out, ''];
}

function singleLines(singles) {
  const out = ['## The program', '', '| what | median | range | bound | |', '|---|--:|--:|--:|---|'];
  for (const s of singles) {
    out.push(
      `| ${s.title} | **${shown(s.value.median)} ${s.unit}** | ${shown(s.value.min)}–${shown(s.value.max)} | ` +
      `${s.least === undefined ? `< ${shown(s.most)}` : `≥ ${shown(s.least)}`} ${s.unit} | ${s.kept ? 'kept' : '**missed**'} |`);
  }
  return [...out, ''];
}

/** Of a part with data of its own: what has no bound is there to be read beside what has. */
function tableLines({ title, notes, rows }) {
  const out = [`## ${title}`, '', ...notes, '', '| what | median | range | bound | |', '|---|--:|--:|--:|---|'];
  for (const { title: what, unit, value, least, most } of rows) {
    const bound = least !== undefined ? `≥ ${shown(least)} ${unit}` : most !== undefined ? `≤ ${shown(most)} ${unit}` : '';
    const isKept = least !== undefined ? value.median >= least : value.median <= most;
    const verdict = bound === '' ? '' : isKept ? 'kept' : '**missed**';
    out.push(`| ${what} | **${shown(value.median)}** ${unit} | ${shown(value.min)}–${shown(value.max)} | ${bound} | ${verdict} |`);
  }
  return [...out, ''];
}

const whole = (value) => Math.round(value).toLocaleString('en');
const shown = (value) => (value < 10 && !Number.isInteger(value) ? value.toFixed(value < 2 ? 2 : 1) : whole(value));
