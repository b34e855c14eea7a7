// What is computed of a conversation: by a pure function where the answer says all of it, by Postgres where it does not. Both
// give the same, whatever the API sends.

import fc from 'fast-check';
import type { QueryResultRow } from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { JsonObject } from '../../src/lib/json.ts';
import { type Database, openDatabase } from '../../src/postgres/database.ts';
import { findWrongMetrics } from '../../src/postgres/metrics.ts';
import type { Store } from '../../src/sync/context.ts';
import { wordSeparators } from '../../src/sync/metrics.ts';
import { openTestDatabase, type TestDatabase } from '../database.ts';
import { changeOf, now, seizeStore } from './batch.ts';

let opened: TestDatabase;
let database: Database;
let store: Store;

beforeAll(async () => {
  opened = await openTestDatabase();
  database = openDatabase(opened.connection);
});

afterAll(async () => {
  await database.close();
  await opened[Symbol.asyncDispose]();
});

beforeEach(async () => {
  for (const table of ['twilio.conversations', 'twilio_sync.fingerprints']) await query(`delete from ${table}`);
  store = await seizeStore(database);
});

const query = (text: string, parameters: unknown[] = []) =>
  database.run(({ sql }) => sql<QueryResultRow>(text, parameters));
const load = (...changes: ReturnType<typeof changeOf>[]) => store.load(changes, null, now);
const wrong = (ids: string[]) => database.run((queries) => findWrongMetrics(queries, ids));
const overview = async (id: string) =>
  (await query('select * from twilio.conversation_overview where conversation_id = $1', [id]))[0] ?? {};

const at = (seconds: number) => new Date(Date.parse('2026-05-28T20:00:00Z') + seconds * 1000).toISOString();
let communications = 0;
const says = (participantId: string, seconds: number, text = 'so it is') => {
  communications += 1;
  return { id: `c${communications}`, participantId, createdAt: at(seconds), content: { text } };
};
const talk = (id: string, fields: JsonObject = {}): JsonObject => ({
  id,
  createdAt: at(0),
  channels: ['SMS', 'VOICE'],
  channelIds: [],
  intelligenceConfigurationIds: [],
  operatorResultIds: ['r'],
  participants: [
    { id: 'bea', type: 'HUMAN_AGENT', name: 'Bea', addressValues: ['+2'] },
    { id: 'ann', type: 'HUMAN_AGENT', name: 'Ann', addressValues: ['+1', '+0'] },
    { id: 'ai', type: 'AI_AGENT', name: 'Bot', addressValues: [] },
    { id: 'cus', type: 'CUSTOMER', name: 'Cleo', addressValues: ['+9'] },
  ],
  communications: [],
  ...fields,
});

describe('what it says', () => {
  test('of two people who are agents, the one who answered first is credited, not the one listed first', async () => {
    const said = [says('bea', 0), says('cus', 10), says('ann', 20), says('bea', 25)];
    await load(changeOf(talk('x', { communications: said })));
    expect(await overview('x')).toMatchObject({
      first_response_seconds: 10,
      first_response_participant_id: 'ann',
      first_response_type: 'HUMAN_AGENT',
      first_response_name: 'Ann',
      first_response_address: '+0',
      person_response_seconds: 10,
      agent_name: 'Bea',
      agent_address: '+2',
      customer_name: 'Cleo',
      customer_address: '+9',
      duration_seconds: 25,
      communications: '4',
      turns: 4,
      words: 12,
      participants: 4,
      channel: 'SMS',
      channel_list: 'SMS, VOICE',
      operator_results: '1',
      is_handed_over: false,
      is_contained: false,
      is_unanswered: false,
    });
    const rows = await query(
      `select participant_id, communications, words, share_of_communications, responses, average_response_seconds, address
       from twilio.participant_metrics where conversation_id = 'x' order by position`,
    );
    expect(rows.map((row) => Object.values(row))).toEqual([
      ['bea', 2, 6, 0.5, 0, null, '+2'],
      ['ann', 1, 3, 0.25, 1, 10, '+0'],
      ['ai', 0, 0, 0, 0, null, null],
      ['cus', 1, 3, 0.25, 0, null, '+9'],
    ]);
  });

  test('the longest wait, a handover, and the time until a person', async () => {
    const said = [says('cus', 0), says('cus', 5), says('ai', 30), says('cus', 100), says('ann', 160), says('cus', 900)];
    await load(changeOf(talk('x', { communications: said })));
    expect(await overview('x')).toMatchObject({
      first_response_seconds: 30,
      first_response_type: 'AI_AGENT',
      person_response_seconds: 160,
      longest_wait_seconds: 60,
      is_handed_over: true,
      is_contained: false,
      is_unanswered: false,
      turns: 5,
    });
  });

  test('contained, and unanswered', async () => {
    await load(
      changeOf(talk('contained', { communications: [says('cus', 0), says('ai', 1)] })),
      changeOf(talk('unanswered', { communications: [says('ai', 0), says('cus', 1)] })),
      changeOf(talk('silent')),
    );
    const none = { first_response_seconds: null, person_response_seconds: null, longest_wait_seconds: null };
    expect(await overview('contained')).toMatchObject({
      is_contained: true,
      is_unanswered: false,
      is_handed_over: false,
    });
    expect(await overview('unanswered')).toMatchObject({ ...none, is_contained: true, is_unanswered: true });
    expect(await overview('silent')).toMatchObject({
      ...none,
      is_contained: false,
      is_unanswered: false,
      communications: '0',
      words: 0,
      turns: 0,
      first_communication_at: null,
      duration_seconds: null,
    });
  });

  test('channels and addresses are in the order of their bytes', async () => {
    const odd = ['\u{1f600}', '\ufffe', 'a"b\\,{}'];
    const participants = [{ id: 'p', type: 'CUSTOMER', addressValues: odd.slice(0, 2) }];
    await load(changeOf(talk('x', { channels: odd, participants })));
    const channels = ['a"b\\,{}', '\ufffe', '\u{1f600}'];
    expect(await overview('x')).toMatchObject({ channels, customer_address: '\ufffe' });
  });

  test('with nothing but an id and a time: none of anything, and no channel', async () => {
    await load(changeOf({ id: 'x', createdAt: at(0) }));
    expect(await overview('x')).toMatchObject({ communications: '0', participants: 0, channels: [], channel: null });
    expect(await wrong(['x'])).toEqual([]);
  });
});

describe('where the answer does not have an array', () => {
  const said = [says('cus', 0), says('ann', 20)];

  test('what is computed is that of the stored rows, and the same answer again writes nothing', async () => {
    await load(changeOf(talk('x', { communications: said })));
    const without = changeOf({ id: 'x', createdAt: at(0), name: 'new' }, { stored: true, request: 2 });
    await load(without);
    expect(await overview('x')).toMatchObject({ name: 'new', first_response_seconds: 20, participants: 4 });
    const version = async () => await query(`select ctid::text, xmin::text from twilio.conversations`);
    const before = await version();
    await load({ ...without, request: 3 });
    expect(await version()).toEqual(before);
    expect(await wrong(['x'])).toEqual([]);
  });

  test('participants without communications keep their numbers, and take those of stored communications', async () => {
    await load(changeOf(talk('x', { communications: said })));
    const { communications: _left, ...rest } = talk('x', {
      participants: [{ id: 'ann', type: 'CUSTOMER', addressValues: ['+1'] }],
    });
    await load(changeOf(rest, { stored: true, request: 2 }));
    expect(await wrong(['x'])).toEqual([]);
    expect(await overview('x')).toMatchObject({ first_response_seconds: null, customer_communications: '1' });
  });

  test('a conversation that was taken for new has what its stored rows say', async () => {
    await load(changeOf(talk('x', { communications: said })));
    await load(changeOf({ id: 'x', createdAt: at(0) }, { request: 2 }));
    expect(await overview('x')).toMatchObject({ communications: '2', first_response_seconds: 20 });
    expect(await wrong(['x'])).toEqual([]);
  });
});

test('rows that were lost and are brought back, and rows that are written by force, have right numbers', async () => {
  const all = talk('x', { communications: [says('cus', 0), says('ann', 20)] });
  await load(changeOf(all));
  await query(`delete from twilio.communications`);
  await query(`update twilio.conversations set words = 77`);
  await load(changeOf(all, { stored: true, force: true, request: 2 }));
  expect(await overview('x')).toMatchObject({ communications: '2', words: 6 });
});

describe('made again, for rows of an earlier version', () => {
  const ids = Array.from({ length: 450 }, (_, n) => `conv${String(n).padStart(3, '0')}`);
  const empty = async () => {
    await query(
      `update twilio.conversations set communications = null, words = null, channels = null, is_contained = null`,
    );
    await query(`update twilio.participants set address = null, communications = null`);
    await query(`update twilio_sync.metrics set version = 0, filled_at = now()`);
  };
  const make = (id: string, n: number) =>
    changeOf(talk(id, { createdAt: at(Math.floor(n / 2)), communications: [says('cus', 0), says('ann', n)] }));

  test('the newest first, each once, and only those that differ are written', async () => {
    await load(...ids.map(make));
    await empty();
    const filled = async () =>
      (await query(`select id from twilio.conversations where communications is not null order by created_at, id`)).map(
        ({ id }) => id,
      );
    expect(await store.fillMetrics()).toBe(true);
    expect(await filled()).toEqual(ids.slice(-200));
    const stamps = await query(`select distinct synced_at from twilio.conversations`);
    expect(stamps).toHaveLength(2);
    await query(`update twilio.conversations set communications = 2 where id = 'conv000'`);
    while (await store.fillMetrics());
    expect(await filled()).toEqual(ids);
    expect(await wrong(ids)).toEqual([]);
    const version = async () => await query(`select ctid::text, xmin::text from twilio.conversations order by id`);
    const before = await version();
    expect(await store.fillMetrics()).toBe(false);
    await query(`update twilio_sync.metrics set version = 0`);
    while (await store.fillMetrics());
    expect(await version()).toEqual(before);
  });
});

describe('both definitions are equal', () => {
  const odd = (...usual: string[]) =>
    fc.oneof(
      { weight: 2, arbitrary: fc.constantFrom(...usual) },
      fc.constantFrom(null, 7, {}, '', '\uFFFE', '😀', 'ä,"\\{}'),
    );
  const time = fc.oneof(
    { weight: 6, arbitrary: fc.nat(40).map((second) => at(second)) },
    fc
      .nat(2_000_000)
      .map((micros) => `2026-05-28T20:00:0${Math.floor(micros / 1e6)}.${String(micros % 1e6).padStart(6, '0')}Z`),
    fc.constantFrom(null, '0001-01-01T00:00:00.000001Z', '9999-12-31T23:59:59.999999Z', '1969-12-31T23:59:59.5Z'),
  );
  const text = fc.oneof(
    fc.constantFrom(null, '', ' ', 'one', 'one two', '\u0000 \ud800', '你好 世界', 'x'.repeat(300)),
    fc
      .array(fc.constantFrom('a', 'é', '😀', '\u200b', '\u2003', ...wordSeparators), { maxLength: 12 })
      .map((all) => all.join('')),
  );
  const ids = ['p1', 'p2', 'p3', 'p4', 'p5'];
  const participant = fc.record({
    id: fc.constantFrom(...ids),
    type: odd('CUSTOMER', 'HUMAN_AGENT', 'AI_AGENT', 'AGENT', 'UNKNOWN'),
    name: odd('Ann', 'Bea'),
    addressValues: fc.oneof(fc.array(odd('+1', '+2'), { maxLength: 3 }), fc.constantFrom(null, undefined)),
  });
  const communication = fc.record({
    participantId: odd(...ids, 'somebody else'),
    createdAt: time,
    content: fc.record({ text }),
  });
  const arrays = fc.record(
    {
      channels: fc.array(odd('VOICE', 'SMS'), { maxLength: 4 }),
      channelIds: fc.constant([]),
      intelligenceConfigurationIds: fc.constant([]),
      operatorResultIds: fc.array(odd('r1', 'r2'), { maxLength: 3 }),
      participants: fc.array(participant, { maxLength: 6 }),
      communications: fc
        .array(communication, { maxLength: 10 })
        .map((all) => all.map((each, n) => ({ id: `c${n}`, ...each }))),
    },
    { requiredKeys: [] },
  );

  test('of answers with everything, of those without some of it, and of one after the other', async () => {
    let number = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(arrays, arrays, fc.boolean()), { minLength: 1, maxLength: 25 }),
        async (pairs) => {
          const all = pairs.map(([first, second, isKnown]) => {
            number += 1;
            const base = { id: `odd${number}`, createdAt: at(0) };
            return { id: base.id, first: { ...base, ...first }, second: { ...base, ...second }, isKnown };
          });
          const found = all.map(({ id }) => id);
          await load(...all.map(({ first }) => changeOf(first as unknown as JsonObject)));
          expect(await wrong(found)).toEqual([]);
          await load(
            ...all.map(({ second, isKnown }) =>
              changeOf(second as unknown as JsonObject, { stored: isKnown, request: 2 }),
            ),
          );
          expect(await wrong(found)).toEqual([]);
        },
      ),
      { numRuns: 40 },
    );
  });
});
