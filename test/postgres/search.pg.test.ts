// Search in communications: with an index and without, what is found is what reading every text finds, newest first up to 1,000;
// and how the index comes about, also after an interrupted build.

import { randomBytes } from 'node:crypto';
import { Writable } from 'node:stream';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { changeSearchIndex } from '../../src/cli/commands/search-index.ts';
import { describeStatus } from '../../src/cli/commands/status.ts';
import { UsageError } from '../../src/cli/exit-status.ts';
import { openDatabase } from '../../src/postgres/database.ts';
import { judge } from '../../src/status/judge.ts';
import { readSnapshot } from '../../src/status/snapshot.ts';
import { openTestDatabase, type TestDatabase } from '../database.ts';

let database: TestDatabase;
let client: pg.Client;

const newest = '2026-06-15 10:00:00+00';

beforeAll(async () => {
  database = await openTestDatabase();
  client = new pg.Client(database.connection);
  await client.connect();
  // 400 days, 40 conversations and 160 communications each, every tenth conversation deleted. A word in each text, in one of two, of
  // seven and of 101; one that was frequent long ago; one that is rare.
  await client.query(`
    insert into twilio.conversations (id, created_at, first_synced_at, synced_at, deleted_at)
      select 'c' || n, timestamptz '${newest}' - n * interval '36 minutes', now(), now(), case when n % 10 = 3 then now() end
      from generate_series(0, 15999) as n;
    insert into twilio.participants (conversation_id, id, position, name, type)
      select id, 'p', 0, 'Ada', 'CUSTOMER' from twilio.conversations;
    insert into twilio.communications (conversation_id, id, position, participant_id, text, created_at)
      select id, 'm' || k, k, case when k < 3 then 'p' else 'gone' end,
        concat_ws(' ', 'Hello', case when m % 2 = 0 then 'invoices' end, case when m % 7 = 0 then 'not PAID' end,
          case when m % 101 = 0 then 'refund' end, case when m > 40000 then 'telegram' end, case when m % 30011 = 5 then 'zebra' end),
        created_at + k * interval '1 second'
      from (select *, row_number() over (order by created_at desc) - 1 as n from twilio.conversations) as c
      cross join generate_series(0, 3) as k cross join lateral (select n * 4 + k as m) as numbered;
    insert into twilio.communications (conversation_id, id, position, text, created_at)
      values ('c1', 'timeless', 9, 'zebra', null), ('c2', 'silent', 9, null, '${newest}');
    -- Too many matches for one look, long ago.
    insert into twilio.communications (conversation_id, id, position, text, created_at)
      select 'c8000', 'flood' || n, n, 'flood', timestamptz '${newest}' - interval '200 days' + n * interval '2 minutes' from generate_series(10, 9009) as n;
    analyze twilio.conversations, twilio.communications`);
  await client.query(
    `insert into twilio.communications (conversation_id, id, position, text, created_at) values ('c1', 'long', 8, $1, $2), ('c1', 'strange', 7, $3, $2)`,
    [
      `zebra ${Array.from({ length: 400_000 }, (_, n) => `w${n}`).join(' ')}`,
      newest,
      '-@20619 <b>zebra</b> \u{10FFFF}',
    ],
  );
});

afterAll(async () => {
  await client.end();
  await database[Symbol.asyncDispose]();
});

interface Match {
  conversation_id: string;
  communication_id: string;
  headline: string;
  rank: number;
}

async function search(query: string, since: string | null = null, until: string | null = null): Promise<Match[]> {
  return (await client.query<Match>('select * from twilio.search_communications($1, $2, $3)', [query, since, until]))
    .rows;
}

/** What every text has, by a configuration. */
async function readTexts(configuration: string): Promise<void> {
  await client.query(`drop table if exists texts; create temporary table texts as
    select m.conversation_id || ' ' || m.id as key, m.created_at, m.conversation_id, m.position,
      to_tsvector('${configuration}', left(m.text, 100000)) as words
    from twilio.communications m join twilio.conversations c on c.id = m.conversation_id and c.deleted_at is null`);
}

/** The keys of what should be found. */
async function expected(configuration: string, query: string, since: string | null, until: string | null) {
  const { rows } = await client.query<{ key: string }>(
    `select key from texts where words @@ websearch_to_tsquery($1::regconfig, $2)
       and created_at >= coalesce($3, timestamptz '-infinity') and created_at < coalesce($4, timestamptz 'infinity')
     order by created_at desc, conversation_id, position limit 1000`,
    [configuration, query, since, until],
  );
  return rows.map(({ key }) => key).sort();
}

const keys = (matches: Match[]) => matches.map((each) => `${each.conversation_id} ${each.communication_id}`).sort();

const queries = ['hello', 'flood', 'invoices', 'paid', 'refund', 'telegram', 'zebra', 'invoices paid refund'].concat([
  '"not paid" -invoices',
  'refund or zebra',
  '-hello',
  '-hello or zebra',
  'nobody',
  '"paid not"',
  'b',
  '@20619',
]);
const spans: [since: string | null, until: string | null][] = [
  [null, null],
  ['2026-05-01', null],
  [null, '2025-09-01 11:00'],
  ['2025-08-30 09:30', '2025-09-01 11:00'],
  ['2026-06-15 09:00', '2026-06-15 09:30'],
  ['2027-01-01', null],
  ['2026-06-15', '2020-01-01'],
  ['-infinity', 'infinity'],
];

interface CommandOptions {
  json?: boolean;
  /** Other fields of the connection. */
  user?: object;
  signal?: AbortSignal;
  onProgress?: (text: string) => void;
}

/** Runs the command. @returns its lines. */
async function command(
  configuration: string | null,
  { json = false, user = {}, signal = new AbortController().signal, onProgress = () => {} }: CommandOptions = {},
): Promise<string> {
  const lines: string[] = [];
  const terminal = {
    write: (line: string) => lines.push(line),
    progress: new Writable({
      write(chunk, _, done) {
        onProgress(String(chunk));
        done();
      },
    }),
    interactive: false,
    ask: async () => null,
  };
  const connection = { ...database.connection, ...user };
  const config = { kind: 'server' as const, connection, schema: 'twilio' };
  await changeSearchIndex(config, { configuration, json }, terminal, signal);
  return lines.join('\n');
}

async function status(): Promise<string> {
  const opened = openDatabase(database.connection);
  try {
    const facts = await opened.run(readSnapshot);
    return describeStatus(judge({ facts, databaseTrouble: null, process: null, isTooOld: () => false }), facts);
  } finally {
    await opened.close();
  }
}

describe('without an index', () => {
  test('words are found as they are, in the last seven days or in the span that is given', async () => {
    expect(await status()).toMatch(/^search index +none$/m);
    await readTexts('simple');
    const week = '2026-06-08 10:00:03+00';
    for (const query of queries)
      expect(keys(await search(query)), query).toEqual(await expected('simple', query, week, null));
    for (const [since, until] of spans.filter(([from]) => from !== null))
      expect(keys(await search('refund', since, until))).toEqual(await expected('simple', 'refund', since, until));
    expect((await search('invoice')).length).toBe(0);
  });
});

describe.each(['simple', 'english'])('with an index of %s', (configuration) => {
  beforeAll(async () => {
    expect(await command(configuration)).toMatch(
      new RegExp(`^The search index was built in .*: ${configuration}, \\d+ [kM]B\\.$`),
    );
  });

  test('what is found is what reading every text finds', async () => {
    await readTexts(configuration);
    expect(await status()).toMatch(new RegExp(`^search index +${configuration}, `, 'm'));
    const every = queries.map((query) => [query, spans[0]] as const);
    const some = ['invoices', 'telegram', 'flood', 'zebra'].flatMap((query) =>
      spans.map((span) => [query, span] as const),
    );
    for (const [query, [since, until] = [null, null]] of [...every, ...some])
      expect(keys(await search(query, since, until)), `${query} ${since} ${until}`).toEqual(
        await expected(configuration, query, since, until),
      );
    expect((await search('invoice')).length).toBe(configuration === 'english' ? 1000 : 0);
  });

  test('no text is read that the index does not name', async () => {
    const counts = async () => {
      const { rows } = await client.query<Record<'scans' | 'read' | 'fetched', string>>(
        `select pg_stat_get_xact_numscans('twilio.communications_search'::regclass) as scans,
           pg_stat_get_xact_tuples_returned('twilio.communications'::regclass) as read,
           pg_stat_get_xact_tuples_fetched('twilio.communications'::regclass) as fetched`,
      );
      return { scans: Number(rows[0]?.scans), read: Number(rows[0]?.read), fetched: Number(rows[0]?.fetched) };
    };
    // The matches that are shown, or those of the days which have them, and none of the rest.
    for (const [query, most] of [
      ['hello', 4_000],
      ['zebra', 10],
      ['telegram', 9_000],
      ['nobody', 1],
    ] as const) {
      await client.query('begin');
      const before = await counts();
      await search(query);
      const after = await counts();
      await client.query('rollback');
      expect(after.scans, query).toBeGreaterThan(before.scans);
      expect(after.read, query).toBe(before.read);
      expect(after.fetched - before.fetched, query).toBeLessThanOrEqual(most);
    }
  });

  test('a match says who, and where; the best is first', async () => {
    const matches = await search('invoices refund');
    expect(matches[0]).toMatchObject({ participant_name: 'Ada', participant_type: 'CUSTOMER' });
    expect(matches[0]?.headline).toMatch(/Hello \*\*invoices\*\* .*\*\*refund\*\*/);
    const ranks = matches.map(({ rank }) => rank);
    expect(ranks).toEqual(ranks.toSorted((a, b) => b - a));
    expect(await search('')).toEqual([]);
    expect(await search('-')).toEqual([]);
  });

  test('a communication of any size is stored', async () => {
    const words = (length: number, word: (n: number) => string) => Array.from({ length }, (_, n) => word(n)).join(' ');
    for (const [at, text] of [
      words(60_000, (n) => `${n.toString(36)}-${(n * 7).toString(36)}`),
      words(40_000, (n) => `http://h${n}.org/p${n}?q`),
      words(50_000, (n) => String.fromCodePoint(0x4e00 + (n % 20_000), 0x20000 + (n % 40_000))),
      words(
        40_000,
        (n) => `${String.fromCodePoint(0x10400 + (n % 80), 0x20000 + n)}-${String.fromCodePoint(0x20000 + n)}`,
      ),
      words(100_000, (n) => String.fromCodePoint(0x20000 + (n % 42_000))),
      'x'.repeat(3_000_000),
    ].entries())
      await client.query(
        `insert into twilio.communications (conversation_id, id, position, text, created_at) values ('c3', $1, 9, $2, $3)`,
        [`large ${at}`, text, newest],
      );
    await client.query(`delete from twilio.communications where id like 'large %'`);
  });
});

describe('search-index', () => {
  test('does nothing where the index is as wanted, and builds anew with another configuration', async () => {
    await command('simple');
    const oid = async () =>
      (await client.query(`select to_regclass('twilio.communications_search')::oid as oid`)).rows[0]?.oid;
    const before = await oid();
    expect(await command('pg_catalog.simple')).toMatch(/^The search index is as wanted: simple, /);
    expect(await oid()).toBe(before);
    expect(JSON.parse(await command('english', { json: true }))).toEqual({
      configuration: 'english',
      changed: true,
      bytes: expect.any(Number),
      seconds: expect.any(Number),
    });
    expect(await oid()).not.toBe(before);
    const { rows } = await client.query(
      `select reloptions as options from pg_class where oid = 'twilio.communications_search'::regclass`,
    );
    expect(rows).toEqual([{ options: ['gin_pending_list_limit=512'] }]);
  });

  test('a configuration whose name has to be quoted', async () => {
    await client.query(`create schema "my ""s"; create text search configuration "my ""s"."o'dd" (copy = simple)`);
    expect(await command(`"my ""s"."o'dd"`)).toContain(`"my ""s"."o'dd"`);
    expect(await search('zebra')).not.toEqual([]);
    await client.query('drop schema "my ""s" cascade');
    expect(await status()).toMatch(/^search index +none$/m);
  });

  test('an index that an interrupted build left is dropped and built', async () => {
    await command('simple');
    await client.query(
      `update pg_index set indisvalid = false where indexrelid = 'twilio.communications_search'::regclass`,
    );
    expect(await status()).toMatch(/^search index +not valid, /m);
    await readTexts('simple');
    expect(keys(await search('zebra', '2000-01-01'))).toEqual(await expected('simple', 'zebra', '2000-01-01', null));
    expect(await command('simple')).toContain('was built');
    expect(await status()).toMatch(/^search index +simple, /m);
  });

  test('nothing is left of a build that fails', async () => {
    await command(null);
    const limits = { options: '-c statement_timeout=1' };
    await expect(command('english', { user: limits })).rejects.toThrow(/statement_timeout/);
    const { rows } = await client.query(`select to_regclass('twilio.communications_search') as name`);
    expect(rows).toEqual([{ name: null }]);
  });

  test('one that is interrupted ends, and another is refused meanwhile', async () => {
    await command(null);
    const writer = new pg.Client(database.connection);
    await writer.connect();
    try {
      // The build waits until this transaction has ended.
      await writer.query('begin; lock table twilio.communications in row exclusive mode');
      const interrupted = new AbortController();
      const waits = Promise.withResolvers<string>();
      const building = command('simple', { signal: interrupted.signal, onProgress: waits.resolve });
      const ended = building.catch((error: unknown) => error);
      expect(await waits.promise).toBe('waiting for writers before build\n');
      await expect(command('simple')).rejects.toThrow('is being built: wait until that has ended');
      interrupted.abort(new Error('ended by a test'));
      while (
        (await client.query('select from pg_stat_progress_create_index where datname = current_database()'))
          .rowCount !== 0
      );
      await writer.query('rollback');
      expect(await ended).toMatchObject({ message: 'ended by a test' });
      expect(await command('simple')).toContain('was built');
    } finally {
      await writer.end();
    }
  });

  test('off drops it', async () => {
    await command('simple');
    expect(await command(null)).toBe('The search index was dropped.');
    expect(await command(null)).toBe('There is no search index.');
    expect(JSON.parse(await command(null, { json: true }))).toMatchObject({ configuration: null, changed: false });
  });

  test('what cannot be done is refused with what can', async () => {
    await expect(command('klingon')).rejects.toThrow(/no text search configuration "klingon"; it has .*english, /);
    const role = `other_${database.connection.database}`;
    await client.query(
      `create role ${role} login password 'x'; grant usage on schema twilio, twilio_sync to ${role}; grant select on all tables in schema twilio, twilio_sync to ${role}`,
    );
    try {
      const refused = command('simple', { user: { user: role, password: 'x' } });
      await expect(refused).rejects.toThrow(`only "${database.connection.user}", who owns`);
      await expect(refused).rejects.toThrow(UsageError);
    } finally {
      await client.query(`drop owned by ${role}; drop role ${role}`);
    }
  });
});

test('a reader of before may search at once, and cannot be led to other functions', async () => {
  const role = `reader_${randomBytes(4).toString('hex')}`;
  await client.query(`create role ${role} login password 'x'; grant usage on schema twilio to ${role};
    grant select on all tables in schema twilio to ${role}; alter role ${role} set default_transaction_read_only = on`);
  const reader = new pg.Client({ ...database.connection, user: role, password: 'x' });
  try {
    await reader.connect();
    await reader.query('set search_path = nowhere');
    const { rows } = await reader.query(`select * from twilio.search_communications('zebra', since => '2000-01-01')`);
    expect(rows.length).toBeGreaterThan(0);
    const { rows: functions } = await client.query(
      `select proname as name from pg_proc where pronamespace = 'twilio'::regnamespace and proname like 'search%'
         and (prosecdef or proconfig is null and prosqlbody is null)`,
    );
    expect(functions).toEqual([]);
  } finally {
    await reader.end();
    await client.query(`drop owned by ${role}; drop role ${role}`);
  }
});
