// Asking the database for its pulse: not too often, never twice at once, and never for long.

import { expect, test } from 'vitest';
import { findSchemaTrouble } from '../../src/postgres/ledger.ts';
import type { Pulse } from '../../src/status/pulse.ts';
import { createVitals } from '../../src/status/vitals.ts';

const pulse: Pulse = {
  migratedTo: Number.MAX_SAFE_INTEGER,
  lastTickAt: 1_800_000_000,
  lastTickAge: 10,
  newestChangeAge: null,
  pending: {},
  failing: 0,
  quarantine: 0,
  due: 0,
};

const newer = 'the database is of a newer release than this program: run that release, or a newer one';

test('an answer holds for a moment, and its ages go on', async () => {
  let now = 0;
  let asked = 0;
  const read = async () => {
    asked += 1;
    return pulse;
  };
  const ask = createVitals({ read, now: () => now });
  expect(await ask()).toEqual({ reached: true, trouble: newer, pulse });
  now = 1500;
  expect(await ask()).toMatchObject({ pulse: { lastTickAge: 11.5, newestChangeAge: null } });
  expect(asked).toBe(1);
  now = 2500;
  expect(await ask()).toMatchObject({ pulse: { lastTickAge: 10 } });
  expect(asked).toBe(2);
});

test('trouble is said in words, what was heard before is still known, and both are made good', async () => {
  let now = 0;
  let broken = false;
  const read = async () => {
    if (broken) throw new Error('database: the server cannot be reached');
    return pulse;
  };
  const ask = createVitals({ read, now: () => now });
  await ask();
  broken = true;
  now = 60_000;
  expect(await ask()).toEqual({
    reached: false,
    trouble: 'database: the server cannot be reached',
    pulse: { ...pulse, lastTickAge: 70 },
  });
  broken = false;
  now = 63_000;
  expect(await ask()).toMatchObject({ reached: true, trouble: newer });
});

test('many wait for one question, and for a silent server not for long, then not at all', async () => {
  let now = 0;
  let asked = 0;
  const answer = Promise.withResolvers<Pulse>();
  const read = () => {
    asked += 1;
    return answer.promise;
  };
  const ask = createVitals({ read, limitMs: 20, now: () => now });
  const both = Promise.all([ask(), ask()]);
  now = 2_000;
  const silent = { reached: false, trouble: 'database: no answer in 2 s', pulse: undefined };
  expect(await both).toEqual([silent, silent]);
  now = 9_000;
  expect(await ask()).toEqual({ ...silent, trouble: 'database: no answer in 9 s' });
  expect(asked).toBe(1);
  answer.resolve(pulse);
  await answer.promise;
  expect(await ask()).toMatchObject({ reached: true, pulse: { lastTickAge: 10 } });
});

test('tables of another release are told from the right ones', () => {
  expect(findSchemaTrouble(null)).toBe('a migration is missing; run: conversation-sync migrate');
  expect(findSchemaTrouble(1)).toBe('a migration is missing; run: conversation-sync migrate');
  expect(findSchemaTrouble(Number.MAX_SAFE_INTEGER)).toBe(newer);
});

test('the last tick ages by a clock that only goes forward, where the database’s was set back', async () => {
  let now = 0;
  let lastTickAt = 1_800_000_000;
  const read = async () => ({ ...pulse, lastTickAt, lastTickAge: 0 });
  const ask = createVitals({ read, now: () => now });
  expect(await ask()).toMatchObject({ pulse: { lastTickAge: 0 } });
  now = 600_000;
  expect(await ask()).toMatchObject({ pulse: { lastTickAge: 600 } });
  lastTickAt -= 3_000;
  now = 700_000;
  expect(await ask()).toMatchObject({ pulse: { lastTickAge: 0 } });
});
