// Whether the worker gets on: what counts as silence.

import { expect, test } from 'vitest';
import { wait } from '../../src/lib/wait.ts';
import { beatDuring, createHealth } from '../../src/status/health.ts';

test('silence beyond the limit is trouble, and a beat ends it', () => {
  let now = 0;
  const health = createHealth(1_000, () => now);
  now = 1_000;
  expect(health.trouble()).toBe(undefined);
  now = 1_001;
  expect(health.trouble()).toBe('the worker has done nothing for 1 s');
  health.beat();
  expect(health.trouble()).toBe(undefined);
});

test('work that takes longer than the limit beats until it ends', async () => {
  let now = 0;
  const health = createHealth(1_000, () => now);
  const done = Promise.withResolvers<string>();
  const working = beatDuring(health, () => done.promise, 1);
  for (now = 2_000; now <= 600_000; now += 100_000) while (health.trouble() !== undefined) await wait(1);
  done.resolve('migrated');
  expect(await working).toBe('migrated');
  now = 700_000;
  await wait(5);
  expect(health.trouble()).toBeDefined();
});
