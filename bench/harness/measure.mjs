// Measures one phase: starts its servers, proves that they answer alike, warms up, and runs interleaved rounds, so that a slow minute of
// the machine falls on all of them. Every error counts, and one is enough to fail the run.
import { assertEqualAnswers } from './equal.mjs';
import { load } from './load.mjs';
import { fdatasyncMicroseconds } from './machine.mjs';
import { cacheFolder } from './paths.mjs';
import { startPostgres } from './postgres.mjs';
import { requestFile, requests } from './requests.mjs';
import { median, spread } from './statistics.mjs';

const firstPort = 4810;

/** @returns the phase's rows with every round of every server. */
export async function measurePhase(phase, data, options) {
  const running = [];
  const postgres = phase.onPostgres ? startPostgres({ slowFlush: phase.slowFlush }) : undefined;
  try {
    for (const target of phase.targets().filter((target) => options.admits(target))) {
      const port = firstPort + running.length;
      process.stderr.write(`starting ${target.name} on port ${port}\n`);
      running.push({ target, server: await target.start(data, port, postgres) });
    }
    const rows = [];
    for (const row of phase.rows.filter((row) => options.admitsRow(row))) rows.push(await measureRow(row, running, data, options));
    return { name: phase.name, title: phase.title, rows, comparisons: phase.comparisons ?? [] };
  } finally {
    for (const { server } of running) await server.stop();
    postgres?.stop();
  }
}

async function measureRow(row, running, data, options) {
  const asked = ({ target }) => target.requests[row.request] !== undefined && (row.only?.includes(target.name) ?? !target.isFor);
  const entrants = running.filter(asked).map(({ target, server }) => {
    const list = requests(target.requests[row.request], data, data.seed, server.headers, row.count);
    return { target, server, list, file: requestFile(cacheFolder('requests'), `${row.id}-${target.name}.tsv`, list), rounds: [] };
  });
  await assertEqualAnswers(row, entrants);
  for (const { server, file } of entrants) {
    await load(server, { file, seconds: options.warmUpSeconds, connections: row.connections });
  }
  const fdatasync = [];
  for (let round = 0; round < options.rounds; round++) {
    fdatasync.push(fdatasyncMicroseconds(cacheFolder('run')));
    for (const entrant of inTurn(entrants, round)) {
      const offset = round * 997;
      const before = await entrant.target.hits?.(entrant.server);
      const result = await load(entrant.server, { file: entrant.file, seconds: options.seconds, connections: row.connections, offset });
      if (before !== undefined) result.hits = share(before, await entrant.target.hits(entrant.server));
      entrant.rounds.push(result);
      assertAsExpected(row, entrant, result);
      process.stderr.write(`${row.id} ${round + 1}/${options.rounds} ${entrant.target.name} ${Math.round(result.perSecond)}/s\n`);
    }
  }
  const servers = entrants.map(({ target, rounds, server }) => summary(target, rounds, server));
  return {
    id: row.id, title: row.title, connections: row.connections, fdatasyncMicroseconds: median(fdatasync), servers,
    promises: row.promises.map((promise) => judged(promise, servers)).filter((promise) => promise !== null),
  };
}

/**
 * The order of a round: every second one goes backwards, and every second begins one further. In a circle each server would always run in
 * the wake of the same one, and what that has left to be written back and cleared away would be counted as its own.
 */
function inTurn(entrants, round) {
  const turned = entrants.map((_, i) => entrants[(i + Math.floor(round / 2)) % entrants.length]);
  return round % 2 === 0 ? turned : turned.reverse();
}

/** Of the look-ups between two readings of a cache's counters, the share that was found there. */
function share(before, after) {
  const hits = after.hits - before.hits;
  return hits / (hits + after.misses - before.misses);
}

/** No error, and as many refusals as the row's requests provoke. */
function assertAsExpected(row, { target, server }, { errors, refused, requests: sent }) {
  const expected = (row.refused ?? 0) * sent;
  if (errors > 0 || Math.abs(refused - expected) > expected / 2) {
    throw new Error(`row ${row.id}: ${target.name} had ${errors} errors and ${refused} refusals of ${sent}, see ${server.log}`);
  }
}

function summary(target, rounds, server) {
  const of = (name) => rounds.map((round) => round[name]);
  return {
    name: target.name, label: target.label, rounds,
    perSecond: spread(of('perSecond')), p50Milliseconds: median(of('p50Milliseconds')), p99Milliseconds: median(of('p99Milliseconds')),
    cpuMicroseconds: median(of('cpuMicroseconds')), bytesPerRequest: median(of('bytesPerRequest')),
    hits: target.hits === undefined ? undefined : median(of('hits')), residentMegabytes: server.residentMegabytes(),
    errors: of('errors').reduce((sum, errors) => sum + errors, 0),
  };
}

/** The ratio of a promise: paired within each round, then the median and range over rounds. Null when a side was not measured. */
function judged(promise, servers) {
  const of = servers.find(({ name }) => name === promise.of);
  const against = servers.find(({ name }) => name === promise.against);
  if (of === undefined || against === undefined) return null;
  const ratio = spread(of.rounds.map((round, i) => round.perSecond / against.rounds[i].perSecond));
  return { ...promise, ratio, cpuRatio: against.cpuMicroseconds / of.cpuMicroseconds, kept: promise.floor === undefined || ratio.median >= promise.floor };
}
