// docs/tables.md and docs/queries.md, checked against a database: the diagram and the tables of columns against the catalogue,
// and each query, as it stands there and as a reader runs it, against the same result computed in JavaScript from what the API holds.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { operators } from '../src/simulator/results.ts';
import { agentTypes, clean, type Held, holds } from './held.ts';
import { openReader, type Reader, type Row } from './reader.ts';
import { documentOf } from './readme.ts';
import { World } from './world.ts';

const tables = documentOf('docs/tables.md');
const queries = documentOf('docs/queries.md');

const day = 86_400_000;

let world: World;
let reader: Reader;
let deletedId: string;
/** What the API holds and what it says of children, as the tables have it: repeated ones once, absent arrays empty. */
let held: Held[];

beforeAll(async () => {
  world = await World.open({ conversations: 600, days: 45, wild: true, crowd: 20, results: true });
  await world.sync();
  // One that says what the search looks for, and has results, is deleted, so that queries which forget about that differ.
  deletedId = world.source
    .all()
    .find(({ createdAt, communications }) => createdAt > daysAgo(2.5) && (communications?.length ?? 0) > 5)
    ?.id as string;
  world.source.say(deletedId, 'Deleted: an INVOICE nobody should find');
  const found = { label: 'positive', text: 'Deleted', score: 1, entities: [{ text: 'Deleted', label: 'PERSON' }] };
  for (const { id } of operators) world.source.addResult(deletedId, { fields: { operator: { id }, result: found } });
  world.nowMs += 60_000;
  await world.sync();
  world.source.remove(deletedId);
  world.nowMs += 60_000;
  await world.sync();
  expect(await world.differences()).toEqual([]);
  held = world.source.all().map(holds);
  reader = await openReader(world);
});

afterAll(async () => {
  await reader?.[Symbol.asyncDispose]();
  await world?.[Symbol.asyncDispose]();
});

function daysAgo(days: number): string {
  return new Date(world.nowMs - days * day).toISOString();
}

/** The rows of one of the queries, as JSON. */
async function rowsOf(title: string, literals: Record<string, string> = {}): Promise<Row[]> {
  return await run(queries.query(title, literals));
}

const run = (query: string) => reader.rows(query);

const dayOf = (ms: number) => new Date(ms).toISOString().slice(0, 10);
/** The Monday of its week. */
const weekOf = (ms: number) => dayOf(ms - ((new Date(ms).getUTCDay() + 6) % 7) * day);
const isRecent = ({ createdMs }: Held) => createdMs >= world.nowMs - 30 * day;

/** As percentile_cont has it. */
function percentile(values: number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const at = share * (sorted.length - 1);
  const [low = 0, high = 0] = [sorted[Math.floor(at)], sorted[Math.ceil(at)]];
  return low + (high - low) * (at - Math.floor(at));
}

/** A field of what may be no object. */
function fieldOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)[name]
    : undefined;
}

function groups<Value>(values: Value[], keyOf: (value: Value) => string): [string, Value[]][] {
  return [...Map.groupBy(values, keyOf)].sort(([a], [b]) => (a < b ? -1 : 1));
}

/** In an order that does not depend on a server's collation. */
function sorted(rows: Row[]): Row[] {
  const text = (row: Row) => JSON.stringify(Object.entries(row).sort());
  return rows.toSorted((a, b) => (text(a) < text(b) ? -1 : 1));
}

/** Equal but for a second of rounding in these columns. */
function expectClose(rows: Row[], expected: Row[], columns: string[]): void {
  const without = (row: Row) => Object.fromEntries(Object.entries(row).filter(([name]) => !columns.includes(name)));
  expect(rows.map(without)).toEqual(expected.map(without));
  for (const [at, row] of rows.entries()) {
    for (const column of columns) {
      expect(Math.abs(Number(row[column]) - Number(expected[at]?.[column])), column).toBeLessThanOrEqual(0.51);
    }
  }
}

describe('the tables', () => {
  test('are those of the diagram, with their columns, types and keys', async () => {
    const diagram = tables.block('Diagram', 'mermaid');
    const drawn = Array.from(diagram.matchAll(/^ {4}(\w+) \{\n(.*?)^ {4}\}$/gms), ([, name, body = '']) => ({
      name,
      columns: body
        .trim()
        .split('\n')
        .map((line) => line.trim().replace(/ "[^"]*"$/, '')),
    }));
    const { rows } = await world.pool.query<{ name: string; columns: string[] }>(`
      select relname as name, array_agg(concat_ws(' ', case format_type(atttypid, null)
          when 'timestamp with time zone' then 'timestamptz' when 'double precision' then 'float8' else format_type(atttypid, null) end, attname,
          nullif(concat_ws(', ', case when attnum = any(k.conkey) then 'PK' end,
            case when exists (select from pg_constraint f where f.conrelid = c.oid and f.contype = 'f' and attnum = any(f.conkey)) then 'FK' end), ''))
          order by attnum) as columns
      from pg_class c
      join pg_attribute a on a.attrelid = c.oid and attnum > 0 and not attisdropped
      join pg_constraint k on k.conrelid = c.oid and k.contype = 'p'
      where relnamespace = 'twilio'::regnamespace and relkind = 'r' group by relname order by relname`);
    expect(drawn.toSorted((a, b) => ((a.name ?? '') < (b.name ?? '') ? -1 : 1))).toEqual(rows);
  });

  test('are related as the diagram draws them', async () => {
    const drawn = Array.from(
      tables.block('Diagram', 'mermaid').matchAll(/^ {4}(\w+) \|\|--o\{ (\w+) :/gm),
      ([, one, many]) => `${one} ${many}`,
    );
    const { rows } = await world.pool.query<{ pair: string }>(
      `select (select relname from pg_class where oid = confrelid) || ' ' || (select relname from pg_class where oid = conrelid) as pair
       from pg_constraint where contype = 'f' and connamespace = 'twilio'::regnamespace`,
    );
    expect(drawn.sort()).toEqual(rows.map(({ pair }) => pair).sort());
  });

  test('have every column explained', async () => {
    const explained = tables.table('Columns').flatMap(([cell = '', columns = '']) =>
      cell
        .replaceAll('`', '')
        .split(', ')
        .flatMap((name) => Array.from(columns.matchAll(/`([a-z_]+)`/g), ([, column]) => `${name}.${column}`)),
    );
    const { rows } = await world.pool.query<{ name: string }>(
      `select table_name || '.' || column_name as name from information_schema.columns
       join information_schema.tables using (table_schema, table_name) where table_schema = 'twilio' and table_type = 'BASE TABLE'`,
    );
    expect([...new Set(explained)].sort()).toEqual(rows.map(({ name }) => name).sort());
  });

  test('have views, every column of which is named', async () => {
    const named = tables.table('Views').map(([view = '', , columns = '']) => ({
      name: view.replaceAll('`', ''),
      columns: Array.from(columns.matchAll(/`([a-z0-9_]+)`/g), ([, column = '']) => column).sort(),
    }));
    const { rows } = await world.pool.query<{ name: string; columns: string[] }>(
      `select table_name::text as name, array_agg(column_name::text order by column_name::text collate "C") as columns
       from information_schema.columns join information_schema.views using (table_schema, table_name)
       where table_schema = 'twilio' and table_name <> 'coverage' and table_name !~ '^result_' group by 1`,
    );
    expect(new Map(named.map(({ name, columns }) => [name, columns]))).toEqual(
      new Map(rows.map(({ name, columns }) => [name, columns])),
    );
  });

  test('have views for operators, whose columns are explained', async () => {
    const title = 'Operators as columns';
    const explained = tables
      .table(title)
      .slice(0, -1)
      .flatMap(([cell = '']) => Array.from(cell.matchAll(/`([a-z_]+)`/g), ([, name]) => name));
    const { fields } = await world.pool.query('select * from twilio.result_script_adherence_history limit 0');
    expect(fields.map(({ name }) => name)).toEqual([...explained, 'adherent', 'score']);
    const rows = await run(tables.query(title));
    expect(rows.length).toBeGreaterThan(10);
    expect(rows.some(({ score }) => score !== null)).toBe(true);
  });

  test('say whether they are complete', async () => {
    const title = 'Is the copy complete?';
    const { fields } = await world.pool.query('select * from twilio.coverage');
    expect(tables.table(title).map(([name = '']) => name.replaceAll('`', ''))).toEqual(fields.map(({ name }) => name));
    expect(await run(tables.query(title))).toEqual([{ dashboard: 'final through 14 June' }]);
  });

  test('are asked by day and by words', async () => {
    const day = { '2026-06-01': '2026-06-13', '2026-06-02': '2026-06-14' };
    const [{ conversations } = {}] = await run(tables.query('Days in other time zones', day));
    const [from, to] = ['2026-06-13T04:00:00Z', '2026-06-14T04:00:00Z'].map((at) => Date.parse(at));
    const there = held.filter(({ createdMs }) => createdMs >= Number(from) && createdMs < Number(to));
    expect(conversations).toBe(there.length);
    expect(there.length).toBeGreaterThan(0);
    expect(await run(tables.query('Search', { 'invoice "not paid" -refund': 'invoice -refund' }))).not.toEqual([]);
  });

  test('of the bookkeeping that are named are there', async () => {
    for (const [name = ''] of tables.table('Bookkeeping')) {
      await world.pool.query(`select from ${name.replaceAll('`', '')}`);
    }
  });
});

describe('the queries of docs/queries.md', () => {
  test('1: volume by day and channel', async () => {
    const rows = await rowsOf('1. Volume by day and channel');
    const pairs = held
      .filter(isRecent)
      .flatMap(({ createdMs, channels }) =>
        (channels.length === 0 ? ['(none)'] : channels).map((channel) => ({ day: dayOf(createdMs), channel })),
      );
    const expected = groups(pairs, ({ day: at, channel }) => `${at} ${channel}`).flatMap(([, [pair, ...more]]) => ({
      ...pair,
      conversations: more.length + 1,
    }));
    expect(rows.map(({ channel }) => channel)).toContain('(none)');
    expect(sorted(rows)).toEqual(sorted(expected));
    expect(rows.map(({ day: at }) => at)).toEqual(
      rows
        .map(({ day: at }) => at)
        .toSorted()
        .reverse(),
    );
  });

  test('2: handling time by week', async () => {
    const handled = held
      .filter(({ status, communications }) => status === 'CLOSED' && communications.length > 0)
      .map(({ createdMs, communications }) => {
        const at = communications.flatMap(({ us }) => (us === null ? [] : Number(us)));
        return { week: weekOf(createdMs), seconds: (Math.max(...at) - Math.min(...at)) / 1e6 };
      });
    const expected = groups(handled, ({ week }) => week)
      .map(([week, all]) => ({
        week,
        conversations: all.length,
        median_seconds: percentile(
          all.map(({ seconds }) => seconds),
          0.5,
        ),
        p90_seconds: percentile(
          all.map(({ seconds }) => seconds),
          0.9,
        ),
      }))
      .reverse();
    expect(expected.length).toBeGreaterThan(5);
    expectClose(await rowsOf('2. Handling time by week'), expected, ['median_seconds', 'p90_seconds']);
  });

  test('3: first response time', async () => {
    const waits = held.filter(isRecent).flatMap(({ participants, communications }) => {
      const typeOf = (id: string | null) => participants.get(id ?? '')?.type ?? '';
      const inTime = communications
        .flatMap((said, position) => (said.us === null ? [] : { ...said, us: said.us, position }))
        .sort((a, b) => Number(a.us - b.us) || a.position - b.position);
      const asked = inTime.findIndex(({ participantId }) => typeOf(participantId) === 'CUSTOMER');
      if (asked === -1) return [];
      return [
        { answered_by: 'AI agent', types: ['AI_AGENT'] },
        { answered_by: 'person', types: ['HUMAN_AGENT', 'AGENT'] },
      ].flatMap(({ answered_by, types }) => {
        const answer = inTime.slice(asked + 1).find(({ participantId }) => types.includes(typeOf(participantId)));
        return answer ? [{ answered_by, seconds: Number(answer.us - (inTime[asked]?.us ?? 0n)) / 1e6 }] : [];
      });
    });
    const expected = groups(waits, ({ answered_by }) => answered_by).map(([answered_by, all]) => ({
      answered_by,
      conversations: all.length,
      median_seconds: percentile(
        all.map(({ seconds }) => seconds),
        0.5,
      ),
      p90_seconds: percentile(
        all.map(({ seconds }) => seconds),
        0.9,
      ),
    }));
    expect(expected).toHaveLength(2);
    const title = '3. First response time, by a person and by an AI agent';
    expectClose(await rowsOf(title), expected, ['median_seconds', 'p90_seconds']);
  });

  test('4: one conversation, in order, also with who is not listed', async () => {
    const title = '4. One conversation, in order';
    const ofNobody = held.find(({ participants, communications }) =>
      communications.some(({ participantId }) => participantId !== null && !participants.has(participantId)),
    );
    const [printed = ''] = queries.query(title).match(/conv_\w+/) ?? [];
    for (const conversation of [ofNobody, held[0]]) {
      const { id = '', participants, communications } = conversation ?? {};
      const rows = await rowsOf(title, { [printed]: id });
      expect(rows).toEqual(
        communications?.map(({ participantId, text, us }) => {
          const { name, type } = participants?.get(participantId ?? '') ?? {};
          const at = us === null ? null : new Date(Number(us / 1000n)).toISOString().slice(0, 19).replace('T', ' ');
          return { at, who: typeof name === 'string' ? clean(name) : (type ?? participantId ?? 'unknown'), text };
        }),
      );
    }
  });

  test('5: search in transcripts', async () => {
    const title = '5. Search in transcripts';
    const month = BigInt(world.nowMs - 30 * day) * 1000n;
    const said = held.flatMap(({ id, communications, participants }) =>
      communications
        .filter(({ text, us }) => us !== null && us >= month && /\binvoice\b/i.test(text ?? ''))
        .map(({ text, participantId }) => ({ id, text, said_by: participants.get(participantId ?? '')?.type ?? null })),
    );
    const rows = await rowsOf(title);
    expect(said.length).toBeGreaterThan(10);
    expect(rows.length).toBe(Math.min(said.length, 100));
    for (const { conversation_id, said_by, headline } of rows) {
      expect(headline).toMatch(/\*\*invoice\*\*/i);
      const words = String(headline).replaceAll('**', '');
      expect(
        said.some((each) => each.id === conversation_id && each.said_by === said_by && each.text?.includes(words)),
      ).toBe(true);
    }
    expect(await rowsOf(title, { invoice: 'nobody should find' })).toEqual([]);
  });

  test('6: busiest agents', async () => {
    const parts = held.filter(isRecent).flatMap(({ id, participants, communications }) =>
      [...participants.values()]
        .filter(({ type }) => agentTypes.includes(type ?? ''))
        .flatMap((agent) =>
          (agent.addressValues ?? []).map((address) => ({
            address,
            id,
            said: communications.filter(({ participantId }) => participantId === agent.id).length,
          })),
        ),
    );
    const expected = groups(parts, ({ address }) => address)
      .map(([agent, all]) => ({
        agent,
        conversations: new Set(all.map(({ id }) => id)).size,
        communications: all.reduce((sum, { said }) => sum + said, 0),
      }))
      .sort((a, b) => b.conversations - a.conversations || b.communications - a.communications);
    const rows = (await rowsOf('6. Busiest agents of the last 30 days')).map(({ name: _, ...row }) => row);
    expect(rows).toHaveLength(20);
    const rank = ({ conversations, communications }: Row) => [conversations, communications];
    expect(rows.map(rank)).toEqual(expected.slice(0, 20).map(rank));
    for (const row of rows) expect(expected).toContainEqual(row);
  });

  test('7: open conversations and their age', async () => {
    const minutes = (us: number) => Math.floor((world.nowMs - us / 1000) / 60_000);
    const expected = held
      .filter(({ status }) => status === 'ACTIVE' || status === 'INACTIVE')
      .map(({ id, status, createdMs, communications }) => ({
        id,
        status,
        minutes_old: minutes(createdMs * 1000),
        minutes_silent:
          communications.length === 0 ? null : minutes(Math.max(...communications.map(({ us }) => Number(us)))),
      }));
    const rows = await rowsOf('7. Open conversations and their age');
    expect(expected.length).toBeGreaterThan(2);
    expect(sorted(rows.map(({ name: _, ...row }) => row))).toEqual(sorted(expected));
    const ages = rows.map((row) => Number(row['minutes_old']));
    expect(ages).toEqual(ages.toSorted((a, b) => b - a));
  });

  test('8: closed conversations without operator results', async () => {
    const closed = held.filter(({ status }) => status === 'CLOSED').filter(isRecent);
    const expected = groups(closed, ({ createdMs }) => dayOf(createdMs))
      .map(([at, all]) => ({
        day: at,
        closed: all.length,
        without_results: all.filter(({ results }) => results === 0).length,
      }))
      .reverse();
    expect(expected.some(({ without_results }) => without_results > 0)).toBe(true);
    expect(await rowsOf('8. Closed conversations without operator results')).toEqual(expected);
  });

  test('9: days in another time zone', async () => {
    const zone = 'America/New_York';
    const dayThere = (ms: number) => new Date(ms).toLocaleDateString('en-CA', { timeZone: zone });
    const first = dayThere(world.nowMs - 7 * day);
    const days = held.map(({ createdMs }) => dayThere(createdMs)).filter((each) => each >= first);
    const expected = groups(days, (each) => each).map(([each, all]) => ({ day: each, conversations: all.length }));
    expect(expected.length).toBeGreaterThan(5);
    expect(await rowsOf('9. Days in another time zone')).toEqual(expected.reverse());
  });

  /** The last results of an operator, as the view has them, of the conversations of so many days. */
  function lastResults(
    operatorName: string,
    days: number,
  ): { of: Held; label: unknown; text: unknown; result: unknown }[] {
    const id = operators.find(({ name }) => name === operatorName)?.id;
    return held
      .filter(({ createdMs }) => createdMs >= world.nowMs - days * day)
      .flatMap((of) => {
        const last = world.source
          .results(of.id)
          .filter(({ operator }) => fieldOf(operator, 'id') === id)
          .at(-1);
        if (last === undefined) return [];
        const { result } = last;
        return [{ of, label: fieldOf(result, 'label'), text: fieldOf(result, 'text') ?? result, result }];
      });
  }

  test('10: sentiment by week', async () => {
    const given = lastResults('Sentiment', 90).map(({ of, label }) => ({
      week: weekOf(of.createdMs),
      sentiment: typeof label === 'string' ? clean(label) : '(none)',
    }));
    const expected = groups(given, ({ week, sentiment }) => `${week} ${sentiment}`).flatMap(([, [first, ...more]]) => ({
      ...first,
      conversations: more.length + 1,
    }));
    const rows = await rowsOf('10. Sentiment by week');
    expect(rows.map(({ sentiment }) => sentiment)).toEqual(expect.arrayContaining(['positive', 'negative', '(none)']));
    expect(sorted(rows)).toEqual(sorted(expected));
  });

  test('11: script adherence by agent', async () => {
    const parts = lastResults('Script adherence', 30).flatMap(({ of, result }) =>
      [...of.participants.values()]
        .filter(
          ({ id, type }) =>
            agentTypes.includes(type ?? '') && of.communications.some((said) => said.participantId === id),
        )
        .flatMap(({ addressValues }) =>
          (addressValues ?? []).map((address) => ({ address, id: of.id, score: fieldOf(result, 'score') })),
        ),
    );
    const expected = groups(parts, ({ address }) => address).map(([agent, all]) => {
      const scores = all.map(({ score }) => score).filter((score) => typeof score === 'number');
      const average = scores.reduce((sum, score) => sum + score, 0) / scores.length;
      return {
        agent,
        conversations: new Set(all.map(({ id }) => id)).size,
        scored: scores.length,
        average_score: scores.length === 0 ? null : average,
      };
    });
    const rows = (await rowsOf('11. Script adherence by agent')).map(({ name: _, ...row }) => row);
    expect(rows).toHaveLength(20);
    const byAgent = new Map(expected.map((each) => [each.agent, each]));
    for (const { average_score, ...row } of rows) {
      const { average_score: average, ...other } = byAgent.get(String(row['agent'])) ?? {};
      expect(row).toEqual(other);
      expect(Number(average_score)).toBeCloseTo(Number(average), 2);
    }
    const averages = rows.map(({ average_score }) => Number(average_score));
    const highest = expected.map(({ average_score }) => average_score ?? 0).sort((a, b) => b - a);
    for (const [at, average] of averages.entries()) expect(average).toBeCloseTo(highest[at] ?? 0, 2);
    expect(rows.some(({ scored, conversations }) => scored !== conversations)).toBe(true);
  });

  test('12: the last summary of each conversation', async () => {
    const expected = lastResults('Summary', 7)
      .filter(({ text }) => typeof text === 'string')
      .sort((a, b) => b.of.createdMs - a.of.createdMs)
      .map(({ of, text }) => ({ id: of.id, summary: clean(String(text)) }));
    const rows = await rowsOf('12. Last summary of each conversation');
    expect(expected.length).toBeGreaterThan(10);
    expect(expected.length).toBeLessThan(100);
    expect(sorted(rows.map(({ id, summary }) => ({ id, summary })))).toEqual(sorted(expected));
    const times = rows.map(({ created_at }) => Date.parse(String(created_at)));
    expect(times).toEqual(times.toSorted((a, b) => b - a));
  });

  test('13: words of entities', async () => {
    const found = lastResults('Entities', 30).flatMap(({ of, result }) => {
      const entities = fieldOf(result, 'entities');
      return (Array.isArray(entities) ? entities : [])
        .map((entity: unknown) => ({ id: of.id, label: fieldOf(entity, 'label'), entity: fieldOf(entity, 'text') }))
        .filter(({ entity }) => typeof entity === 'string' && entity !== '')
        .map(({ id, label, entity }) => ({
          id,
          label: typeof label === 'string' ? clean(label) : '(none)',
          entity: clean(String(entity)),
        }));
    });
    const expected = groups(found, ({ label, entity }) => `${label} ${entity}`).map(([, all]) => ({
      label: all[0]?.label,
      entity: all[0]?.entity,
      times: all.length,
      conversations: new Set(all.map(({ id }) => id)).size,
    }));
    const rows = await rowsOf('13. Words of entities');
    expect(rows.length).toBe(Math.min(expected.length, 100));
    expect(expected.some(({ times, conversations }) => times > conversations)).toBe(true);
    for (const row of rows) expect(expected).toContainEqual(row);
    const times = expected.map((each) => each.times).sort((a, b) => b - a);
    expect(rows.map((row) => row['times'])).toEqual(times.slice(0, 100));
  });

  test('14: what changed since the last read', async () => {
    const title = '14. What changed since the last read';
    const [printed = ''] = queries.query(title).match(/\d{4}-[^']+/) ?? [];
    const since = (at: string) => rowsOf(title, { [printed]: at });
    const rows = await since('-infinity');
    expect(rows.map(({ id }) => id).sort()).toEqual([...held.map(({ id }) => id), deletedId].sort());
    expect(rows.every(({ is_new }) => is_new)).toBe(true);
    const last = String(rows.at(-1)?.['synced_at']);
    expect(rows.filter(({ is_deleted }) => is_deleted)).toEqual([
      expect.objectContaining({ id: deletedId, synced_at: last }),
    ]);
    expect(await since(last)).toEqual([]);

    const [spoken, gone] = held.filter(({ createdMs, status }) => createdMs > world.nowMs - day && status !== 'CLOSED');
    world.source.say(spoken?.id ?? '', 'One more thing');
    world.source.remove(gone?.id ?? '');
    world.nowMs += 60_000;
    const { id: created } = world.source.create();
    world.nowMs += 60_000;
    await world.sync();
    expect(sorted((await since(last)).map(({ id, is_new, is_deleted }) => ({ id, is_new, is_deleted })))).toEqual(
      sorted([
        { id: spoken?.id, is_new: false, is_deleted: false },
        { id: gone?.id, is_new: false, is_deleted: true },
        { id: created, is_new: true, is_deleted: false },
      ]),
    );
  });

  test('15: fields without a column', async () => {
    const rows = await rowsOf('15. Fields without a column');
    const week = world.nowMs - 7 * day;
    // A repeated id is stored once, as it first came.
    const languages = world.source
      .all()
      .flatMap(({ communications }) =>
        (communications ?? []).filter(({ id }, at, all) => all.findIndex((each) => each.id === id) === at),
      )
      .filter(({ createdAt }) => Date.parse(createdAt ?? '') >= week)
      .map(({ content }) => fieldOf(content, 'language'))
      .filter((language) => typeof language === 'string');
    const [first] = languages.toSorted();
    expect(new Set(languages).size).toBeGreaterThan(2);
    expect(rows).toContainEqual({
      field: 'content.language',
      communications: languages.length,
      example: JSON.stringify(first),
    });
  });

  test('16: conversations that were deleted', async () => {
    const move = 'update twilio.conversations set synced_at = $1, deleted_at = $1 where deleted_at is not null and id';
    await world.pool.query(`${move} <> $2`, [daysAgo(40), deletedId]);
    await world.pool.query(`${move} = $2`, [daysAgo(2), deletedId]);
    expect(await rowsOf('16. Conversations that were deleted')).toEqual([
      expect.objectContaining({ found: daysAgo(2).slice(0, 10), conversations: 1 }),
    ]);
  });
});
