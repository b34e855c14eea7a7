// Many accounts in one process, beside one account alone: all rows are those of the APIs, and each account takes little memory.
// MANY_ACCOUNTS=50 plays it with so many of 2,000 conversations, and prints memory and how long passes take.

import { existsSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { wait } from '../../src/lib/wait.ts';
import { Many } from './many.ts';
import { until } from './process.ts';

const asked = process.env['MANY_ACCOUNTS'];
const size =
  asked === undefined
    ? { accounts: 6, conversations: 50, watchedMs: 5_000 }
    : { accounts: Number(asked), conversations: 2_000, watchedMs: 60_000 };
/** How much more memory many accounts may take than one, in bytes. */
const mostMore = 100e6;

test(`${size.accounts} accounts of ${size.conversations} conversations`, { timeout: 1_800_000 }, async () => {
  const one = await work(1);
  const many = await work(size.accounts);
  if (asked !== undefined) process.stdout.write(`${JSON.stringify({ one, many })}\n`);
  expect(many.peakBytes - one.peakBytes).toBeLessThan(mostMore);
  expect(many.passes.least).toBeGreaterThan(0);
});

/** Lets one process work until all of so many accounts are stored, and watches its ticks for a while then. */
async function work(accounts: number) {
  const schemas = Array.from({ length: accounts }, (_, at) => `account${at}`);
  await using many = await Many.open(schemas, size.conversations);
  await many.write();
  const worker = await many.processes.start(['run'], { ...many.env, SYNC_SCHEDULE: '*/5 * * * * *' });
  for (const schema of schemas)
    await until(
      () => many.stored(schema),
      (count) => count === size.conversations,
      600_000,
    );
  for (const _ of schemas) await worker.saw(/"msg":"in sync"/);
  await wait(size.watchedMs);
  const passes = await passesOf(many, schemas);
  await many.equal(...schemas);
  const peakBytes = peakOf(worker.pid);
  worker.kill('SIGTERM');
  expect((await worker.ended).code).toBe(0);
  return { peakBytes, passes };
}

/** The peak memory of a process; 0 where the system does not say. */
function peakOf(pid: number): number {
  const path = `/proc/${pid}/status`;
  const [, kilobytes = 0] = (existsSync(path) && /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(path, 'utf8'))) || [];
  return Number(kilobytes) * 1024;
}

/** How many passes each account had while they were watched, how long the longest took, and the longest time from one end to the next. */
async function passesOf(many: Many, schemas: string[]) {
  const client = await many.client(schemas[0] ?? '');
  const { rows } = await client.query<{ least: number; longestMs: number; betweenMs: number }>(
    `with each as (${schemas.map((schema) => `select '${schema}' as account, started_at, ended_at from ${schema}_sync.runs`).join(' union all ')}),
       watched as (select *, lag(ended_at) over (partition by account order by ended_at) as before from each
         where ended_at > now() - make_interval(secs => $1::float8 / 1000))
     select (select min(count)::int from (select count(*) from watched group by account) as counts) as least,
       max(extract(epoch from ended_at - started_at) * 1000)::int as "longestMs",
       max(extract(epoch from ended_at - before) * 1000)::int as "betweenMs" from watched`,
    [size.watchedMs],
  );
  return rows[0] ?? { least: 0, longestMs: Number.NaN, betweenMs: Number.NaN };
}
