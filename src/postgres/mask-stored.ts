// Masks what is stored already, after a change of SYNC_OMIT or SYNC_HASH: two hundred conversations at a time, the newest
// first, without a request. The rows become what a masked answer would give. Where less is masked than before, nothing is done here:
// what is missing is fetched again, as after an upgrade.

import { isJsonObject, type Json } from '../lib/json.ts';
import { parseLossless } from '../lib/lossless-json.ts';
import { algorithm, noted } from '../sync/fingerprint.ts';
import { hashPattern, type Mask, showsMoreResults } from '../sync/mask.ts';
import { createRemainder } from '../sync/normalize.ts';
import { type Column, type PersonalData, type Table, tablesOf } from '../sync/tables.ts';
import type { Queries } from './database.ts';
import { fromMicroseconds } from './instant.ts';
import { computeMetrics } from './metrics.ts';
import { countsOf } from './statements.ts';

const batchSize = 200;

/** Masks the next stored conversations. In a transaction under the lease. @returns whether there were any. */
export async function maskStored(queries: Queries, stamp: bigint, mask: Mask): Promise<boolean> {
  await begin(queries, mask);
  const next = await queries.sql<{ id: string }>(
    `select c.id from twilio_sync.masking, twilio.conversations c
     where filled_at is null and (reached_at is null or (c.created_at, c.id) < (reached_at, reached_id))
     order by c.created_at desc, c.id desc limit ${batchSize}`,
  );
  const ids = next.map(({ id }) => id);
  const last = ids.at(-1);
  if (last === undefined || mask.policy === '') {
    await finish(queries, stamp, mask);
    return false;
  }
  await maskRows(queries, ids, stamp, mask);
  await blankFingerprints(queries, ids, mask);
  await queries.sql(
    `update twilio_sync.masking set reached_at = c.created_at, reached_id = c.id from twilio.conversations c where c.id = $1`,
    [last],
  );
  return true;
}

/** Notes a new policy. Results have no fingerprints: if more of them is stored than before, their list is read again. */
async function begin(queries: Queries, mask: Mask): Promise<void> {
  const [changed] = await queries.sql<{ before: string }>(
    `update twilio_sync.masking present set policy = $1, reached_at = null, reached_id = null, filled_at = null
     from (select policy from twilio_sync.masking) as before where present.policy <> $1 returning before.policy as before`,
    [mask.policy],
  );
  if (!showsMoreResults(mask, changed?.before ?? '')) return;
  await queries.sql(
    `insert into twilio_sync.results_walks (kind) select 'all' from twilio_sync.results_head
     where generation is not null and not exists (select from twilio_sync.results_walks where ended_at is null and kind = 'all')`,
  );
}

/** What is left: fingerprints of lost rows, and due rows. */
async function finish(queries: Queries, stamp: bigint, mask: Mask): Promise<void> {
  const ended = await queries.sql(
    `update twilio_sync.masking set filled_at = ${fromMicroseconds('$1')} where filled_at is null returning policy`,
    [stamp],
  );
  if (ended.length === 0 || mask.policy === '') return;
  await blankFingerprints(queries, null, mask);
  // An item without an id is kept under its fingerprint, and is listed again.
  await queries.sql(`delete from twilio_sync.due where conversation_id like 'item:%'`);
  await queries.sql(
    `update twilio_sync.due set fingerprint = left(fingerprint, 0) where fingerprint <> '' and not starts_with(fingerprint, $1)`,
    [noted('', mask.policy)],
  );
}

/** A fingerprint of the whole answer could confirm a guess of what is no longer stored. It becomes one that equals none. */
async function blankFingerprints(queries: Queries, ids: string[] | null, mask: Mask): Promise<void> {
  await queries.sql(
    `update twilio_sync.fingerprints set item = left(item, 0), detail = left(detail, 0)
     where ($3::text[] is null or conversation_id = any($3)) and (algorithm, policy) <> ($1, $2) and (item <> '' or detail <> '')`,
    [algorithm, mask.policy, ids],
  );
}

async function maskRows(queries: Queries, ids: string[], stamp: bigint, mask: Mask): Promise<void> {
  const changed = new Set<string>();
  let children = false;
  for (const tables of [tablesOf.conversation, tablesOf.operatorResult])
    for (const table of tables)
      for (const { id, gone } of await maskTable(queries, ids, table, tables, mask)) {
        changed.add(id);
        children ||= gone;
      }
  if (children)
    await queries.sql(
      `update twilio_sync.fingerprints set children = counted.children from (${countsOf(1)}) as counted where conversation_id = counted.id`,
      [ids],
    );
  // This also moves `synced_at` of those in which it changes anything.
  await computeMetrics(queries, ids, stamp, mask);
  await queries.sql(
    `update twilio.conversations set synced_at = ${fromMicroseconds('$2')} where id = any($1) and synced_at <> ${fromMicroseconds('$2')}`,
    [[...changed], stamp],
  );
}

interface Touched {
  id: string;
  /** Its row is gone. */
  gone: boolean;
}

async function maskTable(
  queries: Queries,
  ids: string[],
  table: Table,
  tables: readonly Table[],
  mask: Mask,
): Promise<Touched[]> {
  const { name, key } = table;
  const [id = ''] = key;
  const columns = Object.entries(table.columns).filter(([, { from }]) => from !== 'computed');
  const masked = (masks: (kind: PersonalData) => boolean) =>
    columns.filter(([, { personal }]) => personal !== undefined && masks(personal)).map(([column]) => column);
  const [omitted, hashed] = [masked(mask.omits), masked(mask.hashes)];
  const touched: Touched[] = [];
  if (omitted.some((column) => key.includes(column))) {
    const rows = await queries.sql<{ id: string }>(
      `delete from twilio.${name} where "${id}" = any($1) returning "${id}" as id`,
      [ids],
    );
    return rows.map((row) => ({ ...row, gone: true }));
  }
  const add = (rows: { id: string }[]) => touched.push(...rows.map((row) => ({ id: row.id, gone: false })));
  if (omitted.length > 0)
    add(
      await queries.sql(
        `update twilio.${name} set ${omitted.map((column) => `"${column}" = null`).join(', ')}
         where "${id}" = any($1) and (${omitted.map((column) => `"${column}" is not null`).join(' or ')}) returning "${id}" as id`,
        [ids],
      ),
    );
  for (const column of hashed) add(await hashColumn(queries, ids, table, column, mask));
  if (!omitted.includes('extra')) add(await maskExtra(queries, ids, table, tables, mask));
  return touched;
}

async function hashColumn(
  queries: Queries,
  ids: string[],
  { name, key: [id = ''] }: Table,
  column: string,
  mask: Mask,
): Promise<{ id: string }[]> {
  const found = await queries.sql<{ text: string }>(
    `select distinct "${column}" as text from twilio.${name} where "${id}" = any($1) and "${column}" !~ $2`,
    [ids, hashPattern],
  );
  if (found.length === 0) return [];
  const texts = found.map(({ text }) => text);
  return await queries.sql(
    `update twilio.${name} set "${column}" = hashed.hash from unnest($2::text[], $3::text[]) as hashed(text, hash)
     where "${id}" = any($1) and "${column}" = hashed.text returning "${id}" as id`,
    [ids, texts, texts.map(mask.hash)],
  );
}

/** A field of another shape than its column's is in `extra`: a name that is an object. There are few. */
async function maskExtra(
  queries: Queries,
  ids: string[],
  table: Table,
  tables: readonly Table[],
  mask: Mask,
): Promise<{ id: string }[]> {
  const { name, key, columns } = table;
  const conditions = maskedPaths(table, tables, mask).map(hasPath);
  if (columns['extra'] === undefined || conditions.length === 0) return [];
  const found = await queries.sql<Record<string, string>>(
    `select ${key.map((column) => `"${column}"`).join(', ')}, extra::text from twilio.${name}
     where "${key[0]}" = any($1) and (${conditions.join(' or ')})`,
    [ids],
  );
  if (found.length === 0) return [];
  const rewrite = tables === tablesOf.operatorResult ? mask.result : mask.conversation;
  const rest = createRemainder(table, tables);
  const arrays = key.map((column) => found.map((row) => row[column]));
  const extras = found.map(({ extra = '{}' }) => rest(rewrite(objectOf(extra), table)));
  const numbered = key.map((_, at) => `$${at + 1}::text[]`).join(', ');
  return await queries.sql(
    `update twilio.${name} stored set extra = given.extra::jsonb
     from unnest(${numbered}, $${key.length + 1}::text[]) as given(${key.map((column) => `"${column}"`).join(', ')}, extra)
     where ${key.map((column) => `stored."${column}" = given."${column}"`).join(' and ')}
       and stored.extra is distinct from given.extra::jsonb returning stored."${key[0]}" as id`,
    [...arrays, extras],
  );
}

function objectOf(text: string): Json {
  const value = parseLossless(text);
  return isJsonObject(value) ? value : {};
}

/** The fields of a table's object in which something is masked. */
function maskedPaths(table: Table, tables: readonly Table[], mask: Mask): string[] {
  const isMasked = ({ personal }: Column) => personal !== undefined && (mask.omits(personal) || mask.hashes(personal));
  const own = Object.values(table.columns)
    .filter(isMasked)
    .flatMap((column) => (column.from === 'field' ? column.paths : []));
  const children = tables.filter(({ parent }) => parent?.table === table);
  const isAnyMasked = (child: Table) =>
    Object.values(child.columns).some((column) => column.from === 'element' && isMasked(column)) ||
    maskedPaths(child, tables, mask).length > 0;
  return [...own, ...children.filter(isAnyMasked).flatMap(({ parent }) => parent?.array ?? [])];
}

/** SQL for whether `extra` has something at a path like `content.text`, or where the path ends early. Paths are names of ours. */
function hasPath(path: string): string {
  const [name = '', inner] = path.split('.');
  if (inner === undefined) return `extra ? '${name}'`;
  return `extra ? '${name}' and (jsonb_typeof(extra -> '${name}') <> 'object' or extra -> '${name}' ? '${inner}')`;
}
