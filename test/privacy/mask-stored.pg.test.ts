// What is masked in place is what a masked answer would give, whatever the API has sent.

import fc from 'fast-check';
import pg from 'pg';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { JsonObject } from '../../src/lib/json.ts';
import { type Database, openDatabase } from '../../src/postgres/database.ts';
import { createMask, type MaskSettings } from '../../src/sync/mask.ts';
import { normalize } from '../../src/sync/normalize.ts';
import { decodeDetail } from '../../src/twilio/decode.ts';
import { openTestDatabase, type TestDatabase } from '../database.ts';
import { dumpOf } from '../dump.ts';
import { changeOf, now, seizeStore } from '../postgres/batch.ts';
import { wildConversation } from './wild.ts';

let opened: TestDatabase;
let database: Database;

beforeAll(async () => {
  opened = await openTestDatabase();
  database = openDatabase(opened.connection);
});

afterAll(async () => {
  await database.close();
  await opened[Symbol.asyncDispose]();
});

const dump = async () => {
  const pool = new pg.Pool(opened.connection);
  return await dumpOf(pool).finally(() => pool.end());
};

beforeEach(async () => {
  for (const table of ['twilio.conversations', 'twilio_sync.fingerprints'])
    await database.run(({ sql }) => sql(`delete from ${table}`));
});

test.each<Partial<MaskSettings>>([
  { omit: ['texts', 'names', 'addresses'] },
  { omit: ['texts'], hash: ['names', 'addresses'] },
  { omit: ['texts', 'names', 'extra'], hash: ['addresses'] },
])('%j', async (settings) => {
  const mask = createMask({ omit: [], hash: [], key: 'k'.repeat(32), ...settings });
  const ids = Array.from({ length: 600 }, (_, at) => `conversation ${at}`);
  const seed = Math.floor(Math.random() * 2 ** 31);
  const all = ids.map(
    (id, at) => fc.sample(wildConversation(id), { seed: seed + at, numRuns: 1 })[0] as unknown as JsonObject,
  );
  const store = await seizeStore(database);
  await store.load(
    all.map((raw) => changeOf(structuredClone(raw))),
    null,
    now,
  );

  const masked = await seizeStore(database, { mask });
  while (await masked.maskStored());
  const wanted = all.map((raw) => {
    const detail = decodeDetail('GET detail', String(raw['id']), structuredClone(raw));
    mask.conversation(detail.raw);
    return masked.pack(normalize(detail, false, mask));
  });
  expect({ seed, differing: await masked.compare(wanted) }).toEqual({ seed, differing: new Map() });
  expect({ seed, left: (await dump()).includes('secret') }).toEqual({ seed, left: false });
  expect((await masked.findLost('')).lost).toEqual([]);
});
