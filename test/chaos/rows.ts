// One conversation's rows in all eight tables as one short digest: of what is stored, read in one statement and so in one
// snapshot, and of what a detail has to be stored as, by the oracle. Equal digests, equal rows.

import { hash } from 'node:crypto';
import type pg from 'pg';
import { computedOf, tablesOf } from '../../src/sync/tables.ts';
import type { WireConversationDetail } from '../../src/twilio/wire.ts';
import { expectedTables, keys, type Row } from '../oracle.ts';

export interface Stored {
  id: string;
  digest: string;
  deleted: boolean;
  /** `synced_at`, to the microsecond. */
  stamp: string;
  rows: Record<string, Row[]>;
  /** Of its operator results. */
  results: string;
}

const iso = (column: string) => `to_char(t.${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`;

const parts = Object.keys(keys).map((table) => {
  const own = table === 'conversations' ? 't.id' : 't.conversation_id';
  const times = { conversations: ['created_at', 'updated_at'], communications: ['created_at'] }[table] ?? [];
  const written = times.map((column) => ` || jsonb_build_object('${column}', ${iso(column)})`).join('');
  // What is computed is compared with the rows that it is computed of, not with the source.
  const of = tablesOf.conversation.find(({ name }) => name === table);
  const computed = of === undefined ? [] : computedOf(of);
  const row = `to_jsonb(t) - 'first_synced_at' - 'synced_at' - 'deleted_at' - '{${computed.join(',')}}'::text[]${written}`;
  return `'${table}', (select coalesce(jsonb_agg(${row}), '[]') from twilio.${table} t where ${own} = c.id)`;
});

const statement = `select c.id, c.deleted_at is not null as deleted, c.synced_at::text as stamp,
  jsonb_build_object(${parts.join(', ')}) as rows,
  (select md5(string_agg(md5(r::text), '' order by r.id)) || (select coalesce(md5(string_agg(md5(f::text), '' order by f::text)), '')
     from twilio.operator_result_references f where f.conversation_id = c.id)
   from twilio.operator_results r where r.conversation_id = c.id) as results
  from twilio.conversations c`;

/** Links without their result, of which nothing says why. */
export async function readUnexplained(client: pg.Pool | pg.Client): Promise<string[]> {
  const { rows } = await client.query<{ id: string }>(
    `select conversation_id || ' ' || operator_result_id as id from twilio.operator_result_links link
     join twilio.conversations on conversations.id = conversation_id and deleted_at is null
     where (select whole_since is not null from twilio_sync.results_head)
       and not exists (select from twilio.operator_results r where r.conversation_id = link.conversation_id and r.id = link.operator_result_id)
       and not exists (select from twilio_sync.results_due due
         where due.conversation_id = link.conversation_id and due.operator_result_id = link.operator_result_id)`,
  );
  return rows.map(({ id }) => id);
}

/** Everything that is stored, by id. */
export async function readAll(client: pg.Pool | pg.Client): Promise<Map<string, Stored>> {
  const { rows } = await client.query<Omit<Stored, 'digest'>>(statement);
  return new Map(rows.map((each) => [each.id, { ...each, digest: digestOf(each.rows) }]));
}

/** A few conversations of all that are stored, chosen by chance. */
export async function readSome(client: pg.Pool | pg.Client, count: number): Promise<Stored[]> {
  const { rows } = await client.query<Omit<Stored, 'digest'>>(
    `${statement} where c.id in (select id from twilio.conversations order by random() limit $1)`,
    [count],
  );
  return rows.map((each) => ({ ...each, digest: digestOf(each.rows) }));
}

/** The rows that a detail has to be stored as. */
export function expectedRows(detail: WireConversationDetail): Record<string, Row[]> {
  return Object.fromEntries(
    Object.entries(expectedTables([detail])).map(([table, rows]) => [
      table,
      rows.map((row) => ('extra' in row ? { ...row, extra: JSON.parse(String(row['extra'] ?? 'null')) } : row)),
    ]),
  );
}

/** Whatever the order of rows and keys; numbers count as what a double makes of them. */
export function digestOf(rows: Record<string, Row[]>): string {
  return hash('sha256', sortedText(rows, true), 'base64url').slice(0, 16);
}

/** The first table and column in which two conversations differ, with both values. */
export function firstDifference(wanted: Record<string, Row[]>, stored: Record<string, Row[]>): string {
  for (const [table, key] of Object.entries(keys)) {
    const byKey = (rows: Row[] = []) =>
      new Map(rows.map((row) => [JSON.stringify(key.map((column) => row[column])), row]));
    const [a, b] = [byKey(wanted[table]), byKey(stored[table])];
    for (const [id, row] of a) {
      const other = b.get(id);
      if (other === undefined) return `${table} ${id}: not stored`;
      for (const column of Object.keys(row)) {
        const [one, two] = [sortedText(row[column]), sortedText(other[column])];
        if (one !== two) return `${table} ${id} ${column}: ${one.slice(0, 80)} stored as ${two.slice(0, 80)}`;
      }
    }
    for (const id of b.keys()) if (!a.has(id)) return `${table} ${id}: stored, but not at the source`;
  }
  return 'no difference';
}

/** JSON with sorted keys; arrays of rows are sorted too where `loose`, those inside a row are not. */
function sortedText(value: unknown, loose = false, depth = 0): string {
  if (Array.isArray(value)) {
    const texts = value.map((element) => sortedText(element, loose, depth + 1));
    return `[${(loose && depth === 1 ? texts.sort() : texts).join()}]`;
  }
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const fields = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${fields.map(([name, inner]) => `${JSON.stringify(name)}:${sortedText(inner, loose, depth + 1)}`).join()}}`;
}
