// What the eight tables have to hold for what the API holds, said a second time and in another way than the program
// says it: straight from the contract, conversation by conversation. `differences` holds a database against a source.

import type pg from 'pg';
import { findWrongMetrics } from '../src/postgres/metrics.ts';
import { type Mask, noMask } from '../src/sync/mask.ts';
import type { WireConversationDetail } from '../src/twilio/wire.ts';

export type Row = Record<string, string | number | null>;
export type Tables = Record<string, Row[]>;

/** The eight tables and their keys. */
export const keys: Record<string, string[]> = {
  conversations: ['id'],
  conversation_channels: ['conversation_id', 'channel'],
  conversation_channel_ids: ['conversation_id', 'channel_id'],
  conversation_intelligence_configurations: ['conversation_id', 'intelligence_configuration_id'],
  participants: ['conversation_id', 'id'],
  participant_addresses: ['conversation_id', 'participant_id', 'address'],
  communications: ['conversation_id', 'id'],
  operator_result_links: ['conversation_id', 'operator_result_id'],
};

export interface OracleOptions {
  /** False where the API gives arrays in another order each time. */
  positions?: boolean;
  /** Under which the columns were computed. */
  mask?: Mask;
}

/** Every row that is missing, too many or different, by table and key; nothing where the database is equal to the source. */
export async function differences(
  client: pg.Pool | pg.Client,
  source: Iterable<WireConversationDetail>,
  { positions = true, mask = noMask }: OracleOptions = {},
): Promise<string[]> {
  const expected = expectedTables(source);
  const found: string[] = [];
  for (const [table, key] of Object.entries(keys)) {
    const stored = await read(client, table);
    const wanted = await throughPostgres(client, expected[table] ?? []);
    const byKey = (rows: Row[]) => new Map(rows.map((row) => [JSON.stringify(key.map((column) => row[column])), row]));
    const [a, b] = [byKey(wanted), byKey(stored)];
    for (const [id, row] of a) {
      const other = b.get(id);
      if (other === undefined) found.push(`${table} ${id}: not stored`);
      else {
        for (const column of Object.keys(row)) {
          if (!positions && column === 'position') continue;
          if (row[column] === other[column]) continue;
          if (column === 'extra' && (await sameJson(client, row[column], other[column]))) continue;
          found.push(`${table} ${id} ${column}: ${show(row[column])} stored as ${show(other[column])}`);
        }
      }
    }
    for (const id of b.keys()) if (!a.has(id)) found.push(`${table} ${id}: stored, but not at the source`);
  }
  return [...found, ...(await wrongMetrics(client, mask))];
}

/** The conversations whose computed columns are not what Postgres computes of their rows. */
export async function wrongMetrics(client: pg.Pool | pg.Client, mask = noMask): Promise<string[]> {
  const { rows } = await client.query<{ id: string }>('select id from twilio.conversations');
  const queries = {
    sql: async <Row extends pg.QueryResultRow>(text: string, parameters: unknown[] = []) =>
      (await client.query<Row>(text, parameters)).rows,
  };
  const wrong = await findWrongMetrics(
    queries,
    rows.map(({ id }) => id),
    mask,
  );
  return wrong.map((id) => `conversations ${id}: its computed columns are wrong`);
}

/** Postgres' own word on it: 12.50 and 12.5 are one number. */
async function sameJson(client: pg.Pool | pg.Client, a: unknown, b: unknown): Promise<boolean> {
  const { rows } = await client.query<{ same: boolean }>('select $1::jsonb is not distinct from $2::jsonb as same', [
    a,
    b,
  ]);
  return rows[0]?.same === true;
}

function show(value: unknown): string {
  return JSON.stringify(value)?.slice(0, 80) ?? 'undefined';
}

async function read(client: pg.Pool | pg.Client, table: string): Promise<Row[]> {
  const live = table === 'conversations' ? 'deleted_at is null' : 'true';
  const { rows } = await client.query<{ row: Row }>(`
    select (to_jsonb(t) - 'extra' - 'first_synced_at' - 'synced_at' - 'deleted_at')
      ${['conversations', 'participants', 'communications'].includes(table) ? `|| jsonb_build_object('extra', extra::text)` : ''}
      ${table === 'conversations' ? `|| jsonb_build_object('updated_at', ${iso('updated_at')})` : ''}
      ${['conversations', 'communications'].includes(table) ? `|| jsonb_build_object('created_at', ${iso('created_at')})` : ''} as row
    from twilio.${table} t
    where ${table === 'conversations' ? live : `not exists (select from twilio.conversations c where c.id = t.conversation_id and c.deleted_at is not null)`}`);
  return rows.map(({ row }) => row);
}

const iso = (column: string) => `to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`;

/** jsonb has its own way of writing numbers and keys: what is expected goes through it once. */
async function throughPostgres(client: pg.Pool | pg.Client, rows: Row[]): Promise<Row[]> {
  const extras = rows.map(({ extra }) => extra ?? null);
  if (extras.every((extra) => extra === null)) return rows;
  const { rows: written } = await client.query<{ extra: string | null }>(
    'select extra::jsonb::text as extra from unnest($1::text[]) with ordinality as t(extra, at) order by at',
    [extras],
  );
  return rows.map((row, at) => ({ ...row, extra: written[at]?.extra ?? null }));
}

/** Every row there has to be. */
export function expectedTables(source: Iterable<WireConversationDetail>): Tables {
  const tables: Tables = Object.fromEntries(Object.keys(keys).map((name) => [name, []]));
  const put = (table: string, row: Row) => tables[table]?.push(row);
  for (const each of source) {
    const id = clean(each.id);
    put('conversations', {
      id,
      account_id: textOf(each.accountId),
      name: textOf(each.name),
      status: textOf(each.status),
      conversation_configuration_id: textOf(each.conversationConfigurationId),
      created_at: micro(each.createdAt),
      updated_at: each.updatedAt ? micro(each.updatedAt) : null,
      extra: extra(each, [
        'id',
        'accountId',
        'name',
        'status',
        'conversationConfigurationId',
        'createdAt',
        'updatedAt',
        'channels',
        'channelIds',
        'intelligenceConfigurationIds',
        'participants',
        'communications',
        'operatorResultIds',
      ]),
    });
    for (const channel of once(each.channels)) put('conversation_channels', { conversation_id: id, channel });
    for (const channel of once(each.channelIds))
      put('conversation_channel_ids', { conversation_id: id, channel_id: channel });
    for (const configuration of once(each.intelligenceConfigurationIds)) {
      put('conversation_intelligence_configurations', {
        conversation_id: id,
        intelligence_configuration_id: configuration,
      });
    }
    once(each.operatorResultIds).forEach((result, position) => {
      put('operator_result_links', { conversation_id: id, operator_result_id: result, position });
    });
    onceById(each.participants).forEach((participant, position) => {
      put('participants', {
        conversation_id: id,
        id: clean(participant.id),
        position,
        name: textOf(participant.name),
        type: textOf(participant.type),
        extra: extra(participant, ['id', 'name', 'type', 'addressValues']),
      });
      for (const address of once(participant.addressValues)) {
        put('participant_addresses', { conversation_id: id, participant_id: clean(participant.id), address });
      }
    });
    onceById(each.communications).forEach((communication, position) => {
      const { text = null, ...content } = communication.content ?? {};
      const rest: Record<string, unknown> = { ...communication };
      if (Object.keys(content).length > 0) rest['content'] = content;
      else delete rest['content'];
      put('communications', {
        conversation_id: id,
        id: clean(communication.id),
        position,
        participant_id: textOf(communication.participantId),
        text: textOf(text),
        created_at: communication.createdAt ? micro(communication.createdAt) : null,
        extra: extra(rest, ['id', 'participantId', 'createdAt']),
      });
    });
  }
  return tables;
}

function clean(text: string): string {
  // Nearly all text is.
  if (text.isWellFormed() && !text.includes('\u0000')) return text;
  return text
    .replaceAll('\u0000', '\ufffd')
    .replace(/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g, '\ufffd');
}

function textOf(value: string | null | undefined): string | null {
  return value === null || value === undefined ? null : clean(value);
}

function once(values: string[] | null | undefined): string[] {
  return (values ?? []).map(clean).filter((value, at, all) => all.indexOf(value) === at);
}

function onceById<Child extends { id: string }>(children: Child[] | null | undefined): Child[] {
  const list = children ?? [];
  return list.filter(({ id }, at) => list.findIndex((other) => clean(other.id) === clean(id)) === at);
}

function micro(time: string): string {
  const [, whole, fraction = ''] = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d+))?Z$/.exec(time) ?? [];
  if (whole === undefined) throw new Error(`the oracle reads UTC times only, not ${time}`);
  return `${whole}.${fraction.padEnd(6, '0').slice(0, 6)}Z`;
}

function extra(fields: Record<string, unknown>, columns: string[]): string | null {
  const rest = Object.entries(fields).filter(([name]) => !columns.includes(name));
  if (rest.length === 0) return null;
  // Escapes of what Postgres cannot hold, in the text of the JSON itself.
  return JSON.stringify(Object.fromEntries(rest))
    .replaceAll('\\u0000', '\\ufffd')
    .replace(/\\ud[89ab][0-9a-f]{2}|\\ud[c-f][0-9a-f]{2}/g, '\\ufffd');
}
