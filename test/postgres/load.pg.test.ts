// A batch and its mark as one transaction: what differs is written, all of it or nothing, and the same batch again writes
// not a row. The database is a real one; what is stored is read back from it.

import type { QueryResultRow } from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { JsonObject } from '../../src/lib/json.ts';
import { parseLossless } from '../../src/lib/lossless-json.ts';
import { type Database, openDatabase, type Queries } from '../../src/postgres/database.ts';
import { holdLease } from '../../src/postgres/lease.ts';
import { load as loadBatch } from '../../src/postgres/load.ts';
import { pack } from '../../src/postgres/pack.ts';
import type { Store } from '../../src/sync/context.ts';
import { noMask } from '../../src/sync/mask.ts';
import { type Change, type Checkpoint, LeaseLost, Unstorable, type Window } from '../../src/sync/model.ts';
import { normalize } from '../../src/sync/normalize.ts';
import { conversations } from '../../src/sync/tables.ts';
import { decodeDetail } from '../../src/twilio/decode.ts';
import { openTestDatabase, type TestDatabase } from '../database.ts';
import { changeOf, changeWithout, detailOf, dueOf, markOf, now, seizeStore } from './batch.ts';

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
  // Children go with their parents. Truncating so many tables takes ten times as long.
  for (const table of ['twilio.conversations', 'twilio_sync.fingerprints', 'twilio_sync.due', 'twilio_sync.sweeps']) {
    await query(`delete from ${table}`);
  }
  store = await seizeStore(database);
});

const tables = [
  'conversations',
  'conversation_channels',
  'conversation_channel_ids',
  'conversation_intelligence_configurations',
  'participants',
  'participant_addresses',
  'communications',
  'operator_result_links',
];

const query = (text: string, parameters: unknown[] = []) =>
  database.run(({ sql }) => sql<QueryResultRow>(text, parameters));
const count = async (table: string) => (await query(`select from ${table}`)).length;
const load = (...changes: Change[]) => store.load(changes, null, now);

const numbersOf = async (id: string, reason: string) =>
  ((await store.known([id])).get(id)?.due ?? []).filter((each) => each.reason === reason);

/** Every row version of schema `twilio`: equal before and after means that nothing was written, not even the same again. */
async function versions(): Promise<string[]> {
  const parts = tables.map((table) => `select '${table}' || ctid || ' ' || xmin as version from twilio.${table}`);
  return (await query(`${parts.join(' union all ')} order by 1`)).map(({ version }) => version);
}

const stamps = async () =>
  new Map(
    (await query('select id, synced_at::text from twilio.conversations')).map(({ id, synced_at }) => [id, synced_at]),
  );

/** Ids whose `synced_at` is not what it was before `work`. */
async function movedBy(work: () => Promise<unknown>): Promise<string[]> {
  const before = await stamps();
  await work();
  return [...(await stamps())]
    .filter(([id, stamp]) => before.get(id) !== stamp)
    .map(([id]) => id)
    .sort();
}

async function windowOf(from = now - 1_000, to = now): Promise<Window> {
  const [window] = await store.plan('lookback', [{ from, to }]);
  if (window === undefined) throw new Error('no window was planned');
  return window;
}

describe('writing', () => {
  test('a batch is in all eight tables, and says how many changed', async () => {
    expect(await load(changeOf(detailOf('a')), changeOf(detailOf('b')))).toEqual({
      changed: 2,
      deleted: 0,
      erased: 0,
      due: false,
    });
    const counts = await Promise.all(tables.map((table) => count(`twilio.${table}`)));
    expect(counts).toEqual([2, 4, 2, 2, 4, 6, 4, 4]);
    const [row] = await query(
      `select first_synced_at = synced_at as new, deleted_at, created_at::text, updated_at from twilio.conversations where id = 'a'`,
    );
    expect(row).toMatchObject({ new: true, deleted_at: null, updated_at: null });
  });

  const hard = [
    '',
    ' ',
    'NULL',
    'null',
    '{}',
    '{a,"b"}',
    '{{"a"},{NULL}}',
    '"',
    '""',
    "'",
    "''; drop table twilio.conversations; --",
    '\\',
    '\\\\',
    '\\"',
    '\\N',
    '\\.',
    '\\x00',
    '\\u0000',
    'a,b',
    '(a,b)',
    '$1',
    '%s',
    'line\nline\r\n\ttab',
    '\u0001\u001f\u007f\u0085\u2028\ufeff',
    '😀 e\u0301 ﷽',
    'U+FFFF \uffff',
    '-infinity',
    'x'.repeat(100_000),
  ];

  test('any text comes back as it was, in every column it can be in', async () => {
    const short = hard.filter((text) => text.length < 1_000);
    const given = detailOf('a', {
      ...{ name: 'x'.repeat(100_000), status: '{a,"b"}', accountId: 'NULL', conversationConfigurationId: '\\' },
      channels: short,
      channelIds: short,
      intelligenceConfigurationIds: short,
      operatorResultIds: short,
      participants: short.map((text, at) => ({
        id: `p${text}`,
        name: text,
        type: text,
        addressValues: short.slice(at),
      })),
      communications: hard.map((text, at) => ({ id: `${at}`, participantId: text, content: { text }, more: [text] })),
    });
    await load(changeOf(given));
    expect(
      (
        await query('select name, status, account_id, conversation_configuration_id as conf from twilio.conversations')
      )[0],
    ).toEqual({
      name: 'x'.repeat(100_000),
      status: '{a,"b"}',
      account_id: 'NULL',
      conf: '\\',
    });
    for (const [table, column] of [
      ['conversation_channels', 'channel'],
      ['conversation_channel_ids', 'channel_id'],
      ['conversation_intelligence_configurations', 'intelligence_configuration_id'],
      ['operator_result_links', 'operator_result_id'],
    ]) {
      const rows = await query(`select ${column} as value from twilio.${table}`);
      expect(rows.map(({ value }) => value).sort()).toEqual(short.toSorted());
    }
    const people = await query('select id, name, type from twilio.participants order by position');
    expect(people).toEqual(short.map((text) => ({ id: `p${text}`, name: text, type: text })));
    const addresses = await query(`select address from twilio.participant_addresses where participant_id = 'p'`);
    expect(addresses.map(({ address }) => address).sort()).toEqual(short.toSorted());
    const said = await query('select participant_id, text, extra from twilio.communications order by position');
    expect(said).toEqual(hard.map((text) => ({ participant_id: text, text, extra: { more: [text] } })));
  });

  test('null is not the text NULL', async () => {
    await load(
      changeOf(detailOf('a', { name: null, communications: [{ id: 'c', content: { text: 'NULL' } }, { id: 'd' }] })),
    );
    expect(await query(`select name is null as none from twilio.conversations`)).toEqual([{ none: true }]);
    expect(await query('select text from twilio.communications order by position')).toEqual([
      { text: 'NULL' },
      { text: null },
    ]);
  });

  test('extra keeps numbers of many digits, and keys as they are', async () => {
    const more = parseLossless(
      '{"big":12345678901234567890,"small":0.1000000000000000055,"__proto__":{"a":null}}',
    ) as JsonObject;
    await load(changeOf({ ...detailOf('a'), ...Object.fromEntries(Object.entries(more)) }));
    const [row] = await query('select extra::text as extra from twilio.conversations');
    expect(row?.['extra']).toContain('"big": 12345678901234567890');
    expect(row?.['extra']).toContain('"small": 0.1000000000000000055');
    expect(row?.['extra']).toContain('"__proto__": {"a": null}');
  });

  test('times are cut to the microsecond, whatever zone the session is in', async () => {
    const times = { createdAt: '2026-06-08T20:41:53.788355999Z', updatedAt: '9999-12-31T23:59:59.999999999Z' };
    await load(
      changeOf(detailOf('a', { ...times, communications: [{ id: 'c', createdAt: '0001-01-01T00:00:00.0000019Z' }] })),
    );
    const utc = (column: string) => `to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US') as at`;
    expect(await query(`select ${utc('created_at')} from twilio.conversations`)).toEqual([
      { at: '2026-06-08T20:41:53.788355' },
    ]);
    expect(await query(`select ${utc('updated_at')} from twilio.conversations`)).toEqual([
      { at: '9999-12-31T23:59:59.999999' },
    ]);
    expect(await query(`select ${utc('created_at')} from twilio.communications`)).toEqual([
      { at: '0001-01-01T00:00:00.000001' },
    ]);
  });

  test('a thousand children of one conversation, and a conversation without any', async () => {
    const many = Array.from({ length: 1_000 }, (_, at) => ({ id: `c${at}`, content: { text: `${at}` } }));
    await load(
      changeOf(detailOf('a', { communications: many })),
      changeOf({ id: 'b', createdAt: '2026-05-28T20:00:00Z' }),
    );
    expect(await count('twilio.communications')).toBe(1_000);
  });

  test('nothing to load is no trouble', async () => {
    expect(await load()).toEqual({ changed: 0, deleted: 0, erased: 0, due: false });
  });
});

describe('the same again', () => {
  test('writes not a row, and moves no stamp', async () => {
    const batch = [changeOf(detailOf('a')), changeOf(detailOf('b', { participants: [] }))];
    await load(...batch);
    const before = await versions();
    expect(await movedBy(async () => expect(await load(...batch)).toMatchObject({ changed: 0 }))).toEqual([]);
    expect(await versions()).toEqual(before);
  });

  test('also where its rows are held against the stored ones because a person asked', async () => {
    const batch = [changeOf(detailOf('a', { new: { field: [1, 2.5, null] } }))];
    await load(...batch);
    const before = await versions();
    expect(await load(...batch.map((each) => ({ ...each, force: true })))).toMatchObject({ changed: 0 });
    expect(await load(...batch.map((each) => ({ ...each, detail: 'another print of the same' })))).toMatchObject({
      changed: 0,
    });
    expect(await versions()).toEqual(before);
  });

  test('arrays in another order are no news where the fingerprint is the same, and are written where it is not', async () => {
    await load(changeOf(detailOf('a')));
    const before = await versions();
    const turned = changeOf(detailOf('a', { operatorResultIds: ['r2', 'r1'] }));
    await load({ ...turned, detail: changeOf(detailOf('a')).detail });
    expect(await versions()).toEqual(before);
    await load({ ...turned, detail: 'another' });
    expect(await query('select operator_result_id as id from twilio.operator_result_links order by position')).toEqual([
      { id: 'r2' },
      { id: 'r1' },
    ]);
  });
});

describe('a change', () => {
  const other = changeOf(detailOf('z'));

  test.each<[string, JsonObject]>([
    ['a name', { name: 'another' }],
    ['a field that becomes null', { name: null }],
    ['a field that nobody knows', { new: true }],
    ['the end of a time', { updatedAt: '2026-05-28T20:00:00.000001Z' }],
    ['a result that comes', { operatorResultIds: ['r1', 'r2', 'r3'] }],
    ['a result that goes', { operatorResultIds: ['r2'] }],
    ['an emptied array', { channels: [] }],
    ['a text that is redacted', { communications: [{ id: 'c1', content: { text: '[redacted]' } }] }],
    [
      'an address alone',
      {
        participants: [
          { id: 'p1', name: 'Ada', addressValues: ['+15550100'] },
          { id: 'p2', addressValues: ['x'] },
        ],
      },
    ],
    ['a participant that goes, with its addresses', { participants: [{ id: 'p2', addressValues: ['x'] }] }],
  ])(
    '%s moves the stamp of that conversation alone, and the rows are as if it had been so at once',
    async (_what, fields) => {
      await load(changeOf(detailOf('a')), other);
      const changed = changeOf(detailOf('a', fields));
      const loaded = movedBy(async () => expect(await load(changed, other)).toMatchObject({ changed: 1 }));
      expect(await loaded).toEqual(['a']);
      const differing = await store.compare(changed.rows === null ? [] : [changed.rows]);
      expect([...differing]).toEqual([]);
    },
  );

  test('first_synced_at stays', async () => {
    await load(changeOf(detailOf('a')));
    await load(changeOf(detailOf('a', { name: 'another' })));
    expect(await query('select from twilio.conversations where first_synced_at < synced_at')).toHaveLength(1);
  });

  test('an array that the detail does not have leaves what is stored; each participant’s addresses too', async () => {
    await load(changeOf(detailOf('a')));
    const before = await Promise.all(tables.map((table) => count(`twilio.${table}`)));
    const bare = {
      id: 'a',
      createdAt: '2026-05-28T20:00:00Z',
      name: 'bare',
      participants: [{ id: 'p1' }, { id: 'p2' }],
    };
    await load(changeOf(bare));
    expect(await Promise.all(tables.map((table) => count(`twilio.${table}`)))).toEqual(before);
    expect(await query('select name from twilio.participants where name is not null')).toEqual([]);
  });

  test('what was taken for new, and is stored, is as if it had not been: also what it has no longer is gone', async () => {
    await load(changeOf(detailOf('a')), changeOf(detailOf('c', { participants: [], communications: [] })));
    const changed = { name: 'New', channels: ['SMS'], participants: [{ id: 'p3', addressValues: ['y'] }] };
    // No key of these is taken: only the conversation's own row tells.
    const other = { channels: null, channelIds: null, intelligenceConfigurationIds: null, operatorResultIds: null };
    for (const fields of [changed, { ...other, participants: [{ id: 'p4' }], communications: [{ id: 'c4' }] }]) {
      const all = [changeOf(detailOf('a', fields)), changeOf(detailOf('b', fields)), changeOf(detailOf('c', fields))];
      await load(...all);
      const ids = ['a', 'b', 'c'];
      const asStored = ids.flatMap((id) => changeOf(detailOf(id, fields), { stored: true }).rows ?? []);
      expect(await store.compare(asStored)).toEqual(new Map());
    }
  });

  test('one child belongs to one conversation: the same ids in another are not touched', async () => {
    await load(changeOf(detailOf('a')), changeOf(detailOf('b')));
    await load(changeOf(detailOf('a', { participants: [], communications: [], channels: [], operatorResultIds: [] })));
    expect(await query(`select from twilio.participant_addresses where conversation_id = 'b'`)).toHaveLength(3);
    expect(await query(`select from twilio.communications where conversation_id = 'b'`)).toHaveLength(2);
    expect(await query(`select from twilio.communications where conversation_id = 'a'`)).toHaveLength(0);
  });
});

describe('a deletion', () => {
  const gone = changeWithout('a', { deleted: true });

  test('is marked, once, and its rows stay', async () => {
    await load(changeOf(detailOf('a')), changeOf(detailOf('b')));
    const deleting = movedBy(async () => expect(await load(gone)).toMatchObject({ deleted: 1 }));
    expect(await deleting).toEqual(['a']);
    expect(await query(`select id from twilio.conversations where deleted_at = synced_at`)).toEqual([{ id: 'a' }]);
    expect(await count('twilio.communications')).toBe(4);
    const before = await versions();
    expect(await load(gone)).toMatchObject({ deleted: 0 });
    expect(await versions()).toEqual(before);
  });

  test('is taken back by the same detail', async () => {
    await load(changeOf(detailOf('a')));
    await load(gone);
    expect((await store.known(['a'])).get('a')?.stored).toMatchObject({ item: null, detail: null });
    expect(await movedBy(() => load(changeOf(detailOf('a'))))).toEqual(['a']);
    expect(await query('select from twilio.conversations where deleted_at is null')).toHaveLength(1);
  });

  test('of one that was never stored is nothing', async () => {
    expect(await load(gone)).toEqual({ changed: 0, deleted: 0, erased: 0, due: false });
  });
});

describe('all or nothing', () => {
  const secret = 'people said this';

  test.each<[string, () => Change]>([
    [
      'a number of more digits than numeric holds',
      () => changeOf({ ...detailOf('x', { name: secret }), n: parseLossless('1e200000') }),
    ],
    [
      'JSON that is nested too deeply',
      () =>
        changeOf(detailOf('x', { name: secret, deep: JSON.parse('['.repeat(900) + ']'.repeat(900)) }), {
          rows: tooDeep(secret),
        }),
    ],
  ])('%s is that conversation’s own trouble, and not quoted', async (_what, bad) => {
    await load(changeOf(detailOf('a')));
    const window = await windowOf();
    const before = await versions();
    const loading = store.load(
      [changeOf(detailOf('b')), bad(), changeOf(detailOf('a', { name: 'new' }))],
      markOf(window),
      now,
    );
    const error = await loading.catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(Unstorable);
    expect(String(error)).toMatch(/^Unstorable: Postgres refuses the data[^\n]*\(\w{5}\)$/);
    expect(String(error)).not.toContain(secret);
    expect(await versions()).toEqual(before);
    expect((await store.windows()).pending).toMatchObject([window]);
    expect(await load(changeOf(detailOf('b')))).toMatchObject({ changed: 1 });
  });

  test('under a lease that another has taken, nothing is written, whatever is asked for', async () => {
    await load(changeOf(detailOf('a')));
    const window = await windowOf();
    const lost = store;
    store = await seizeStore(database);
    const before = [
      await versions(),
      await query('select * from twilio_sync.due'),
      await query('select * from twilio_sync.windows'),
    ];
    const change = changeOf(detailOf('a', { name: 'late' }), { due: [dueOf('a')] });
    await expect(lost.load([change], markOf(window), now)).rejects.toThrow(LeaseLost);
    await expect(lost.load([], null, now)).rejects.toThrow(LeaseLost);
    await expect(lost.plan('new', [{ from: 0, to: 1 }])).rejects.toThrow(LeaseLost);
    await expect(lost.fail(window, 'late')).rejects.toThrow(LeaseLost);
    await expect(lost.endSweeps(now, () => false)).rejects.toThrow(LeaseLost);
    expect([
      await versions(),
      await query('select * from twilio_sync.due'),
      await query('select * from twilio_sync.windows'),
    ]).toEqual(before);
    expect(await lost.known(['a'])).toEqual(await store.known(['a']));
  });

  test('and what was sent behind the question for the lease is refused by Postgres itself', async () => {
    const rows = [changeOf(detailOf('a')), changeOf(detailOf('b'), { stored: true })];
    const sent: Promise<unknown>[] = [];
    const loading = database.transaction(async (queries, begun) => {
      const watched: Queries = {
        sql<Row extends QueryResultRow>(text: string, parameters?: unknown[]) {
          const answer = queries.sql<Row>(text, parameters);
          sent.push(answer);
          return answer;
        },
      };
      const input = {
        changes: rows,
        checkpoint: null,
        now,
        generation: 1,
        epoch: -1,
        results: false,
        mask: noMask,
        assumeNew: true,
      };
      const loaded = loadBatch(watched, holdLease(watched, -1, begun), input);
      await Promise.allSettled([loaded, ...sent]);
      return await loaded;
    });
    await expect(loading).rejects.toThrow(LeaseLost);
    const outcomes = await Promise.allSettled(sent);
    expect(outcomes.length).toBeGreaterThan(8);
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toEqual([]);
  });

  test('ten loads at once get ten stamps, and an incremental reader that never looks back misses none', async () => {
    const seen: string[] = [];
    let ended = false;
    const reading = (async () => {
      for (let last = '-infinity', final = false; !final; ) {
        final = ended;
        const rows = await query(
          'select id, synced_at::text as at from twilio.conversations where synced_at > $1 order by synced_at',
          [last],
        );
        seen.push(...rows.map(({ id }) => id));
        last = rows.at(-1)?.['at'] ?? last;
      }
    })();
    const ids = Array.from({ length: 10 }, (_, at) => `c${at}`);
    await Promise.all(ids.map((id) => load(changeOf(detailOf(id))))).finally(() => {
      ended = true;
    });
    await reading;
    expect(seen.toSorted()).toEqual(ids);
    expect(new Set((await stamps()).values()).size).toBe(10);
  });
});

describe('what is due', () => {
  const dueRows = () =>
    query(
      `select conversation_id as id, reason, attempts, extract(epoch from due_at)::float8 as at, error from twilio_sync.due order by 1, 2`,
    );

  test('comes back as it was put, never-due and hard texts included', async () => {
    const wants = { updatedAt: null, operatorResultIds: ['{a,"b"}', '\\'], arrays: ['channels'] };
    const put = [
      dueOf('a', { reason: 'behind', wants, dueAt: now + 2, attempts: 3, firstAt: now - 9 }),
      dueOf('a', { error: 'NULL', fingerprint: '{}', dueAt: Number.POSITIVE_INFINITY }),
    ];
    await load(changeWithout('a', { due: put }));
    const { stored, due } = (await store.known(['a'])).get('a') ?? {};
    expect(stored).toBeNull();
    expect(due?.toSorted((x, y) => (x.reason < y.reason ? -1 : 1))).toMatchObject(put);
    expect(await store.findDue(now + 1, 10)).toEqual([]);
    expect(await store.findDue(now + 2, 10)).toEqual(['a']);
  });

  test('is decided anew with each fetch', async () => {
    await load(changeWithout('a', { due: [dueOf('a'), dueOf('a', { reason: 'closed' })] }));
    const served = async () => ((await store.known(['a'])).get('a')?.due ?? []).map(({ number }) => number);
    const again = [dueOf('a', { reason: 'absent', attempts: 7 })];
    await load(changeWithout('a', { due: again, served: await served() }));
    expect(await dueRows()).toMatchObject([{ id: 'a', reason: 'absent', attempts: 7 }]);
    expect(await load(changeOf(detailOf('a'), { served: await served() }))).toMatchObject({ due: false });
    expect(await dueRows()).toEqual([]);
  });

  test('is said to wait where it does, by the API’s clock', async () => {
    expect(await load(changeWithout('a', { due: [dueOf('a', { dueAt: now + 1 })] }))).toMatchObject({ due: false });
    expect(await load(changeWithout('b', { due: [dueOf('b', { dueAt: now })] }))).toMatchObject({ due: true });
  });

  test('an item that a page shows twice is noted once', async () => {
    const item = dueOf('item:x', { dueAt: Number.POSITIVE_INFINITY });
    const window = await windowOf();
    await store.load([], markOf(window, { due: [item, item] }), now);
    expect(await dueRows()).toMatchObject([{ id: 'item:x', reason: 'failed' }]);
  });
});

describe('a mark', () => {
  const again = (mark: Checkpoint) => store.load([changeOf(detailOf('a'))], mark, now);

  test('moves the cursor with its rows, and ends the window at its lower edge', async () => {
    const window = await windowOf();
    await again(markOf(window, { cursor: now - 500 }));
    const { pending } = await store.windows();
    expect(pending).toMatchObject([{ ...window, cursor: now - 500 }]);
    await again(markOf({ ...window, cursor: now - 500 }));
    expect(await store.windows()).toMatchObject({
      pending: [],
      covered: [{ from: window.from, to: window.to }],
      reached: now,
    });
  });

  test('whose answer was lost counts nothing twice', async () => {
    const window = await windowOf();
    const mark = markOf(window, { cursor: now - 500, listed: 5, expected: 4, missing: ['m'] });
    await again(mark);
    await again(mark);
    expect(await query('select listed, expected, missing from twilio_sync.sweeps')).toEqual([
      { listed: 5, expected: 4, missing: 1 },
    ]);
    expect((await store.windows()).pending[0]).toMatchObject({ cursor: now - 500 });
  });

  test('what is missing is set aside until the sweep has ended, and not due before', async () => {
    const window = await windowOf();
    await again(markOf(window, { missing: ['m'], expected: 1 }));
    expect(await store.findDue(now + 1e9, 10)).toEqual([]);
    expect((await store.known(['m'])).get('m')?.due).toMatchObject([{ reason: 'missing', setAside: true }]);
    expect(await store.endSweeps(now, () => false)).toEqual([
      { sweep: 'lookback', expected: 1, missing: 1, braked: false },
    ]);
    expect(await store.findDue(now, 10)).toEqual(['m']);
    expect(await store.endSweeps(now, () => false)).toEqual([]);
  });

  test('with the brake, what was set aside is forgotten', async () => {
    await again(markOf(await windowOf(), { missing: ['m'], expected: 1 }));
    expect(await store.endSweeps(now, () => true)).toMatchObject([{ braked: true }]);
    expect(await count('twilio_sync.due')).toBe(0);
  });

  test('listed again is no longer missing; what else is due for it stays', async () => {
    await load(changeWithout('a', { due: [dueOf('a', { reason: 'missing' }), dueOf('a', { reason: 'closed' })] }));
    await store.load([], markOf(await windowOf(), { relisted: await numbersOf('a', 'missing') }), now);
    expect((await store.known(['a'])).get('a')?.due.map(({ reason }) => reason)).toEqual(['closed']);
  });

  test('a finished window takes the place of finished ones inside it, and of no other', async () => {
    for (const [from, to] of [
      [10, 20],
      [20, 30],
      [25, 45],
    ] as const)
      await store.load([], markOf(await windowOf(now - to, now - from)), now);
    await store.load([], markOf(await windowOf(now - 30, now - 10)), now);
    expect((await store.windows()).covered.map(({ from, to }) => [now - from, now - to])).toEqual([
      [30, 10],
      [45, 25],
    ]);
  });
});

/** Rows as of a normalizer that had let it through: ours cannot even be given JSON as deep as this. */
function tooDeep(name: string): Change['rows'] {
  const all = normalize(decodeDetail('GET detail', 'x', detailOf('x', { name })), false);
  const at = Object.keys(conversations.columns).indexOf('extra');
  all[0]?.columns.splice(at, 1, [`{"deep":${'['.repeat(20_000)}${']'.repeat(20_000)}}`]);
  return pack(all);
}
