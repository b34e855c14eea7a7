// The benchmark: `npm run bench` for everything, `npm run bench -- NAME …` for some of it, with `--quick` in small numbers,
// with `--rounds N` in no more than so many rounds.
// Steps go to standard error, the table to standard output. Only everything in full leaves its results behind.

import { loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { Bench, type Measure } from './bench.ts';
import { history } from './measures/history.ts';
import { latency, limited } from './measures/latency.ts';
import { memory } from './measures/memory.ts';
import { push } from './measures/push.ts';
import { relist } from './measures/relist.ts';
import { results } from './measures/results.ts';
import { retention } from './measures/retention.ts';
import { simulator } from './measures/simulator.ts';
import { start } from './measures/start.ts';
import { tick } from './measures/tick.ts';
import { describe, writeResults } from './results.ts';
import type { Row } from './row.ts';
import { asText } from './table.ts';

const measures: Measure[] = [
  simulator,
  history,
  latency,
  limited,
  relist,
  results,
  memory,
  push,
  tick,
  retention,
  start,
];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { quick: { type: 'boolean' }, rounds: { type: 'string' } },
});
const names = measures.map(({ name }) => name);
const unknown = positionals.filter((name) => !names.includes(name));
if (unknown.length > 0) throw new Error(`${unknown.join(', ')}: no such measure; there are ${names.join(', ')}`);
const quick = values.quick ?? false;
const say = (line: string) => void process.stderr.write(`${line}\n`);

const loadBefore = Number((loadavg()[0] ?? 0).toFixed(1));
if (loadBefore > 0.5) say(`this machine is busy with other things (load ${loadBefore}): expect less than it can do`);
const startedMs = performance.now();
const rows: Row[] = [];
await using bench = await Bench.open({ quick, mostRounds: Number(values.rounds ?? Number.POSITIVE_INFINITY), say });
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => void bench[Symbol.asyncDispose]().finally(() => process.exit(1)));
}
for (const measure of measures.filter(({ name }) => positionals.length === 0 || positionals.includes(name))) {
  try {
    rows.push(...(await measure.run(bench)));
  } catch (error) {
    say(`${measure.name}: ${error instanceof Error ? error.stack : error}`);
    process.exitCode = 1;
  }
}
process.stdout.write(`${asText(rows)}\n`);
if (!quick && positionals.length === 0 && process.exitCode !== 1) {
  const minutes = (performance.now() - startedMs) / 60_000;
  writeResults(describe(rows, { postgres: bench.server.version, minutes, loadBefore }));
}
