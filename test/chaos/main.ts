// `npm run test:chaos -- --seeds 200`: plays seeds 1 to 200, or from `--from`, says which failed and prints their timelines;
// `--seed 17` plays one and prints its timeline. `--first` ends at the first failure. `--scenario stamps` plays one of scenarios.ts.
// Exit status 1 where something differed.

import { parseArgs } from 'node:util';
import { useDatabaseServer } from '../database.ts';
import { startServer } from '../database-server.ts';
import { play, type Result } from './run.ts';
import { scenarios } from './scenarios.ts';

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '20' },
    from: { type: 'string', default: '1' },
    seed: { type: 'string' },
    first: { type: 'boolean', default: false },
    scenario: { type: 'string' },
  },
});

const say = (text: string) => process.stdout.write(`${text}\n`);

async function playAll(): Promise<Result[]> {
  const first = Number(values.seed ?? values.from);
  const count = values.seed === undefined ? Number(values.seeds) : 1;
  const failed: Result[] = [];
  for (let seed = first; seed < first + count; seed += 1) {
    const startedMs = performance.now();
    const result = await play(seed);
    const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
    // Played again, what is concurrent may come in another order, and show nothing.
    if (values.seed !== undefined || result.difference !== null) say(result.timeline.join('\n'));
    say(`seed ${seed}: ${result.difference ?? 'no difference'} (${seconds} s)`);
    if (result.difference !== null) failed.push(result);
    if (values.first && failed.length > 0) break;
  }
  return failed;
}

async function playScenario(name: string): Promise<boolean> {
  const scenario = scenarios[name];
  if (scenario === undefined)
    throw new Error(`there is no scenario ${name}; there are ${Object.keys(scenarios).join(', ')}`);
  const difference = await scenario();
  say(`scenario ${name}: ${difference ?? 'no difference'}`);
  return difference === null;
}

const server = await startServer();
try {
  useDatabaseServer(server.url);
  if (values.scenario !== undefined) {
    process.exitCode = (await playScenario(values.scenario)) ? 0 : 1;
  } else {
    const failed = await playAll();
    for (const { seed } of failed) say(`To replay: npm run test:chaos -- --seed ${seed}`);
    process.exitCode = failed.length === 0 ? 0 : 1;
  }
} finally {
  await server.stop();
}
