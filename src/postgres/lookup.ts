// What the program reads before it decides anything. Times are returned as seconds since 1970. No personal data is read.

import type { FilterConfig } from '../config/config.ts';
import { algorithm } from '../sync/fingerprint.ts';
import type { DueRow, Known, TimeRange } from '../sync/model.ts';
import type { Queries } from './database.ts';
import { isDueForPass } from './due.ts';
import { seconds } from './instant.ts';
import type { Rows } from './rows.ts';
import { countsBetween } from './statements.ts';
import { readForgotten } from './tombstones.ts';

/** See Store.known. */
export async function readKnown(queries: Queries, ids: string[], policy: string): Promise<Map<string, Known>> {
  const known = new Map<string, Known>();
  const stored = await queries.sql<StoredFingerprint>(
    `select conversation_id as id, item, detail, normalizer, generation, children, algorithm, policy,
       case when (algorithm, policy) <> ($2, $3) then (select to_char(updated_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US')
         from twilio.conversations where id = conversation_id) end as "updatedAt"
     from twilio_sync.fingerprints where conversation_id = any($1)`,
    [ids, algorithm, policy],
  );
  for (const { id, ...rest } of stored) known.set(id, { stored: rest, due: [], forgotten: false });
  const due = await queries.sql<DueColumns>(
    `select conversation_id as id, reason, ${seconds('due_at')} as "dueAt", attempts,
       ${seconds('first_at')} as "firstAt", error, fingerprint, wants,
       ${seconds('created_from')} as "createdFrom", number::numeric, sweep_id is not null as "setAside"
     from twilio_sync.due where conversation_id = any($1) and reason <> 'large'`,
    [ids],
  );
  for (const each of due) {
    const entry = known.get(each.id) ?? { stored: null, due: [], forgotten: false };
    entry.due.push(each);
    known.set(each.id, entry);
  }
  const unknown = ids.filter((id) => known.get(id)?.stored == null);
  for (const id of await readForgotten(queries, unknown)) known.set(id, { stored: null, due: [], forgotten: true });
  return known;
}

type StoredFingerprint = Pick<
  Rows['fingerprints'],
  'item' | 'detail' | 'normalizer' | 'generation' | 'children' | 'algorithm' | 'policy'
> & { id: Rows['fingerprints']['conversationId']; updatedAt: Rows['conversations']['updatedAt'] };

/** Times are in seconds; `reason` and `wants` have the types of the program that wrote them. */
type DueColumns = DueRow & Pick<Rows['due'], 'attempts' | 'error' | 'fingerprint' | 'number'>;

/** So many conversations are counted by one statement. */
const countedAtOnce = 10_000;

/** See Store.findLost. */
export async function readLost(queries: Queries, after: string): Promise<{ lost: string[]; last: string | null }> {
  const [edge] = await queries.sql<{ last: string | null }>(
    `select max(conversation_id) as last from (
       select conversation_id from twilio_sync.fingerprints where conversation_id > $1 order by conversation_id limit ${countedAtOnce}) as next`,
    [after],
  );
  const last = edge?.last ?? null;
  if (last === null) return { lost: [], last };
  const rows = await queries.sql<{ id: Rows['fingerprints']['conversationId'] }>(lostStatement, [after, last]);
  return { lost: rows.map(({ id }) => id), last };
}

/** Ranges of keys are read from their indexes in order: counting by id looks each id up in every table, five times as dear. A null count equals any. */
const lostStatement = `select remembered.conversation_id as id
  from twilio_sync.fingerprints remembered
  left join twilio.conversations on conversations.id = remembered.conversation_id
  left join (${countsBetween(1, 2)}) as counted on counted.id = remembered.conversation_id
  where remembered.conversation_id > $1 and remembered.conversation_id <= $2 and remembered.detail is not null
    and (conversations.id is null or remembered.children <> coalesce(counted.children, 0))`;

/**
 * See Store.findMissing. A conversation is expected if it was listed before under the current filters, and its columns still match
 * them. For those that are listed now, the caller says whether they were. For the others, which are few, it is looked up.
 */
export async function readMissing(
  queries: Queries,
  { from, to }: TimeRange,
  open: boolean,
  listed: Map<string, boolean>,
  filters: FilterConfig,
  generation: number,
): Promise<{ expected: number; missing: string[] }> {
  const parameters: unknown[] = [from, to, [...listed.keys()], [...listed.values()], generation];
  const conditions = matching(filters, parameters);
  if (open) conditions.push(`status in ('ACTIVE', 'INACTIVE')`);
  const [row] = await queries.sql<{ expected: number; missing: Rows['conversations']['id'][] | null }>(
    `select count(*)::int as expected, array_agg(id) filter (where listed_id is null) as missing
     from twilio.conversations left join unnest($3::text[], $4::bool[]) as listed(listed_id, shown) on listed_id = id
     where conversations.created_at >= to_timestamp($1) and conversations.created_at < to_timestamp($2) and deleted_at is null
       and case when listed_id is null
         then (select true from twilio_sync.fingerprints where conversation_id = id and generation = $5) else shown end
       ${conditions.map((condition) => `and ${condition}`).join(' ')}`,
    parameters,
  );
  return { expected: row?.expected ?? 0, missing: row?.missing ?? [] };
}

function matching(filters: FilterConfig, parameters: unknown[]): string[] {
  const conditions: string[] = [];
  const equals = (column: string, value: string | undefined) => {
    if (value === undefined) return;
    parameters.push(value);
    conditions.push(`${column} = $${parameters.length}`);
  };
  const has = (table: string, column: string, values: string[] | undefined) => {
    if (values === undefined) return;
    parameters.push(values);
    conditions.push(
      `exists (select from twilio.${table} where conversation_id = conversations.id and ${column} = any($${parameters.length}))`,
    );
  };
  equals('status', filters.status);
  equals('conversation_configuration_id', filters.conversationConfigurationId);
  has('conversation_channels', 'channel', filters.channels);
  has('conversation_channel_ids', 'channel_id', filters.channelId === undefined ? undefined : [filters.channelId]);
  has(
    'conversation_intelligence_configurations',
    'intelligence_configuration_id',
    filters.intelligenceConfigurationIds,
  );
  return conditions;
}

/** See Store.openRanges. */
export async function readOpenRanges(queries: Queries, { from, to }: TimeRange): Promise<TimeRange[]> {
  return await queries.sql<{ from: number; to: number }>(
    `select floor(${seconds('min(created_at)')}) as from, floor(${seconds('max(created_at)')}) + 1 as to
     from twilio.conversations
     where status in ('ACTIVE', 'INACTIVE') and deleted_at is null and created_at >= to_timestamp($1) and created_at < to_timestamp($2)
     group by floor(extract(epoch from created_at) / 2592000) order by 1 desc`,
    [from, to],
  );
}

/** See Store.findDue. */
export async function readDue(queries: Queries, now: number, limit: number): Promise<string[]> {
  const rows = await queries.sql<{ id: Rows['due']['conversationId'] }>(
    `select distinct conversation_id as id from
       (select conversation_id from twilio_sync.due where ${isDueForPass(1)} order by due_at limit $2) as first`,
    [now, limit],
  );
  return rows.map(({ id }) => id);
}

/** See Store.nextLagging. */
export async function readNextLagging(queries: Queries, until: number): Promise<number | null> {
  const [row] = await queries.sql<{ at: number | null }>(
    `select ${seconds('min(due_at)')} as at from twilio_sync.due
     where reason in ('behind', 'absent') and due_at <= to_timestamp($1)`,
    [until],
  );
  return row?.at ?? null;
}

/**
 * See Store.sample. Chosen from the fingerprints, so that rows that are lost, or hidden by row-level security, are noticed.
 * Conversations from before the start of history are left out: they are not kept up to date.
 */
export async function readSample(queries: Queries, count: number): Promise<string[]> {
  const rows = await queries.sql<{ id: Rows['fingerprints']['conversationId'] }>(
    `select conversation_id as id from twilio_sync.fingerprints where detail is not null and not exists (
       select from twilio.conversations, twilio_sync.scope where conversations.id = conversation_id and conversations.created_at < history_from)
     order by random() limit $1`,
    [count],
  );
  return rows.map(({ id }) => id);
}

/** See Store.anyHealthyExcept. A conversation that is due only for a refresh is healthy. */
export async function readHealthy(queries: Queries, except: string[], now: number, limit: number): Promise<string[]> {
  const rows = await queries.sql<{ id: Rows['fingerprints']['conversationId'] }>(
    `select conversation_id as id from twilio_sync.fingerprints where detail is not null and conversation_id <> all($1)
     and not exists (select from twilio_sync.due where due.conversation_id = fingerprints.conversation_id
       and (due_at <= to_timestamp($2) or reason not in ('closed', 'upgrade', 'reread', 'old'))) limit $3`,
    [except, now, limit],
  );
  return rows.map(({ id }) => id);
}

/** See Store.countQuarantined. */
export async function countQuarantined(queries: Queries, except: string[]): Promise<number> {
  const [row] = await queries.sql<{ count: number }>(
    `select count(*)::int as count from twilio_sync.due
     where reason = 'failed' and conversation_id not like 'item:%' and conversation_id <> all($1)`,
    [except],
  );
  return row?.count ?? 0;
}
