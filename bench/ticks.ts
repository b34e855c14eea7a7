// What a tick costs by how many conversations changed, and what a renewal of the lease does: `node bench/ticks.ts`, after
// `npm run build`. Requests, statements and transactions, and the CPU time of worker and Postgres: means of many, among 10,000
// stored conversations of which 100 are open. bench/scale.ts reckons with them.

import { openConfigured } from '../src/database.ts';
import { renewLease, takeLease } from '../src/postgres/lease.ts';
import { Bench } from './bench.ts';
import { tickOften } from './measures/tick-rounds.ts';

const rounds = Number(process.argv[2] ?? 40);
const say = (line: string) => void process.stderr.write(`${line}\n`);
const print = (cells: (string | number)[]) => void process.stdout.write(`| ${cells.join(' | ')} |\n`);
const mean = (values: number[]) => values.reduce((sum, each) => sum + each, 0) / values.length;

await using bench = await Bench.open({ quick: false, mostRounds: rounds, say });
const filled = await bench.filled(10_000);
print(['changed', 'requests', 'statements', 'transactions', 'worker, ms of CPU', 'Postgres, ms of CPU']);
print(['---', '---', '---', '---', '---', '---']);
for (const created of [0, 1, 10, 50]) {
  const ticks = await tickOften(bench, filled, rounds, { created, said: 0 });
  const keys = ['requests', 'statements', 'transactions', 'workerMs', 'postgresMs'] as const;
  print([created, ...keys.map((key) => mean(ticks.map((tick) => tick[key])).toFixed(1))]);
}
print(['a renewal', '', '', '', ...(await renewals(25 * rounds)).map((ms) => ms.toFixed(2))]);

/** CPU time of one renewal, in ms: the worker's and Postgres'. */
async function renewals(count: number): Promise<[number, number]> {
  const { connection } = filled.database;
  await using opened = await openConfigured({ kind: 'server', schema: 'twilio', connection });
  const lease = await takeLease(opened.database, `bench ${performance.now()}`);
  if (!('epoch' in lease)) throw new Error(`${lease.heldBy} holds the lease`);
  await renewLease(opened.database, lease.epoch);
  const [own, postgres] = [process.cpuUsage(), await bench.server.connectionsMs(filled.database)];
  for (let round = 0; round < count; round += 1) await renewLease(opened.database, lease.epoch);
  const { user, system } = process.cpuUsage(own);
  const postgresMs = (await bench.server.connectionsMs(filled.database)) - postgres;
  return [(user + system) / 1000 / count, postgresMs / count];
}
