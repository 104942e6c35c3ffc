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
  const postgres = phase.onPostgres ? startPostgres() : undefined;
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
  const entrants = running.filter(({ target }) => target.requests[row.request] !== undefined).map(({ target, server }) => {
    const list = requests(target.requests[row.request], data, data.seed, server.headers);
    return { target, server, list, file: requestFile(cacheFolder('requests'), `${row.id}-${target.name}.tsv`, list), rounds: [] };
  });
  await assertEqualAnswers(row, entrants);
  for (const { server, file } of entrants) {
    await load(server, { file, seconds: options.warmUpSeconds, connections: row.connections });
  }
  const fdatasync = [];
  for (let round = 0; round < options.rounds; round++) {
    fdatasync.push(fdatasyncMicroseconds(cacheFolder('run')));
    // Another server begins each round: none always runs in the wake of the same one.
    for (let i = 0; i < entrants.length; i++) {
      const entrant = entrants[(i + round) % entrants.length];
      const offset = round * 997;
      const result = await load(entrant.server, { file: entrant.file, seconds: options.seconds, connections: row.connections, offset });
      entrant.rounds.push(result);
      if (result.errors > 0) {
        throw new Error(`row ${row.id}: ${entrant.target.name} had ${result.errors} errors, see ${entrant.server.log}`);
      }
      process.stderr.write(`${row.id} ${round + 1}/${options.rounds} ${entrant.target.name} ${Math.round(result.perSecond)}/s\n`);
    }
  }
  const servers = entrants.map(({ target, rounds, server }) => summary(target, rounds, server));
  return {
    id: row.id, title: row.title, connections: row.connections, fdatasyncMicroseconds: median(fdatasync), servers,
    promises: row.promises.map((promise) => judged(promise, servers)).filter((promise) => promise !== null),
  };
}

function summary(target, rounds, server) {
  const of = (name) => rounds.map((round) => round[name]);
  return {
    name: target.name, label: target.label, rounds,
    perSecond: spread(of('perSecond')), p50Milliseconds: median(of('p50Milliseconds')), p99Milliseconds: median(of('p99Milliseconds')),
    cpuMicroseconds: median(of('cpuMicroseconds')), bytesPerRequest: median(of('bytesPerRequest')),
    residentMegabytes: server.residentMegabytes(), errors: of('errors').reduce((sum, errors) => sum + errors, 0),
  };
}

/** The ratio of a promise: paired within each round, then the median and range over rounds. Null when a side was not measured. */
function judged(promise, servers) {
  const of = servers.find(({ name }) => name === promise.of);
  const against = servers.find(({ name }) => name === promise.against);
  if (of === undefined || against === undefined) return null;
  const ratio = spread(of.rounds.map((round, i) => round.perSecond / against.rounds[i].perSecond));
  return { ...promise, ratio, cpuRatio: against.cpuMicroseconds / of.cpuMicroseconds, kept: ratio.median >= promise.floor };
}
