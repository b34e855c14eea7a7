// A batch in, all of it written in one transaction: the lease is checked and hands out the stamp, rows that differ are
// written, due rows are replaced, and the window's cursor moves. Loading the same batch again changes nothing: the answer
// to a COMMIT may be lost.

import { algorithm } from '../sync/fingerprint.ts';
import { type Mask, showsMoreResults } from '../sync/mask.ts';
import type { Change, Checkpoint, Loaded, Packed } from '../sync/model.ts';
import { normalizerVersion } from '../sync/normalize.ts';
import type { Queries } from './database.ts';
import { isDueForPass, replaceDue } from './due.ts';
import { eraseChanges } from './erase.ts';
import { fromMicroseconds } from './instant.ts';
import { divisionByZero } from './lease.ts';
import { computeMetrics } from './metrics.ts';
import { childArrays, conversationArrays } from './pack.ts';
import { noteGaps, noteLate, noteMasked, noteUnlinked, readLinkedResults } from './results-due.ts';
import type { Rows } from './rows.ts';
import { conversationStatement, countsOf, insertStatement, mergeStatement } from './statements.ts';
import { forgottenAmong, readForgotten } from './tombstones.ts';
import { applyCheckpoint } from './windows.ts';

/** A conversation was assumed to be new, but is stored. */
export class AlreadyStored extends Error {
  override readonly name = 'AlreadyStored';
}

/** Some of a batch must not be written: the answer to a later request is stored, or the conversation was erased with `forget`. */
export class Superseded extends Error {
  override readonly name = 'Superseded';
}

/**
 * Writes a batch and its checkpoint. The transaction's first statement, `held`, locks the lease's row. If the lease is lost, that is
 * an error in Postgres itself, which then refuses every statement sent after it. So statements that need no answer from another
 * are sent at once, and Postgres does not wait while this process is busy with details.
 * @throws AlreadyStored if `assumeNew` was wrong: repeat the transaction without it. Superseded: see `findSuperseded`.
 */
export async function load(queries: Queries, held: Promise<bigint>, input: LoadInput): Promise<Loaded> {
  const { changes, checkpoint, now, generation, assumeNew, epoch, results, mask } = input;
  const found = changes.flatMap((change) => (change.rows === null ? [] : [{ ...change, rows: change.rows }]));
  const taken = found.filter(({ stored }) => assumeNew && !stored);
  const others = found.filter(({ stored }) => !assumeNew || stored);
  const isDue = () => queries.sql(`select from twilio_sync.due where ${isDueForPass(1)} limit 1`, [now]);
  // In this order: `remember` reads the due rows that `replaceDue` removes.
  const allowed = refuseSuperseded(queries, changes, epoch);
  const sent = Promise.all([
    compareWithKnown(queries, others, mask),
    writeConversations(queries, found),
    insertChildren(
      queries,
      taken.map(({ rows }) => rows),
    ),
    remember(queries, input),
    replaceDue(queries, changes),
    checkpoint === null ? isDue() : [],
  ]);
  // If the lease is lost, or something must not be written, Postgres refuses them too.
  for (const each of [allowed, sent]) each.catch(() => {});
  const stamp = await held;
  await allowed;
  const [{ unchanged, showMore }, written, , , , dueByNow] = await sent;
  if (taken.some(({ id }) => written.get(id) !== true)) throw new AlreadyStored();
  const differing = others.filter(({ id, force }) => force || !unchanged.has(id)).map(({ rows }) => rows);
  const ids = results ? differing.map(({ id }) => id) : [];
  // All at once, so that none is left alone with its error. Links are read before they are written.
  const [linked, late, deleted] = await Promise.all([
    readLinkedResults(queries, ids),
    writeChildren(queries, differing, written, stamp),
    markDeleted(queries, changes, stamp),
  ]);
  const erased = await eraseChanges(queries, changes, stamp);
  const partly = differing.filter(({ children }) => children === null).map(({ id }) => id);
  const forced = changes.filter(({ rows, force }) => rows !== null && force).map(({ id }) => id);
  const ofStored = [...new Set([...partly, ...forced])];
  await countChildren(queries, ofStored);
  await computeMetrics(queries, ofStored, stamp, mask);
  if (results) {
    await noteUnlinked(queries, linked, now);
    await noteMasked(queries, showMore, now);
    await noteGaps(queries, [...taken.map(({ id }) => id), ...differing.map(({ id }) => id)], now);
    const fresh = [...written].filter(([, isNew]) => isNew);
    await noteLate(
      queries,
      fresh.map(([id]) => id),
      now,
    );
  }
  if (checkpoint !== null) await applyCheckpoint(queries, checkpoint, generation);
  const due = checkpoint === null ? dueByNow : await isDue();
  return { changed: written.size + late, deleted, erased, due: due.length > 0 };
}

const conversations = 'twilio.conversations';

type Found = Change & { rows: Packed };

/** Writes conversations that differ. @returns those it wrote, and whether they are new. */
async function writeConversations(queries: Queries, found: Found[]): Promise<Map<string, boolean>> {
  const [arrays] = conversationArrays(found.map(({ rows }) => rows));
  if (found.length === 0 || arrays === undefined) return new Map();
  const written = await queries.sql<Pick<Rows['conversations'], 'id'> & { fresh: boolean }>(
    conversationStatement(),
    arrays.columns,
    conversations,
  );
  return new Map(written.map(({ id, fresh }) => [id, fresh]));
}

/** Writes the children of new conversations: nothing is stored to compare them with. */
async function insertChildren(queries: Queries, all: Packed[]): Promise<void> {
  const parts = childArrays(all).filter(({ rows }) => rows > 0);
  await Promise.all(
    parts.map(({ table, columns }) => queries.sql(insertStatement(table), columns, `twilio.${table.name}`)),
  );
}

/** Writes children that differ. @returns how many conversations changed in their children only. */
async function writeChildren(
  queries: Queries,
  all: Packed[],
  written: Map<string, boolean>,
  stamp: bigint,
): Promise<number> {
  const isNew = ({ id }: Packed) => written.get(id) === true;
  const merges = childArrays(all.filter((each) => !isNew(each)));
  const [touched] = await Promise.all([
    Promise.all(
      merges.map(({ table, columns, scope }) =>
        queries.sql<{ id: string }>(mergeStatement(table), [...columns, ...scope], `twilio.${table.name}`),
      ),
    ),
    insertChildren(queries, all.filter(isNew)),
  ]);
  const ids = touched.flat().map(({ id }) => id);
  const late = [...new Set(ids)].filter((id) => !written.has(id));
  if (late.length === 0) return 0;
  await queries.sql(
    `update twilio.conversations set synced_at = ${fromMicroseconds('$2')} where id = any($1)`,
    [late, stamp],
    conversations,
  );
  return late.length;
}

export interface LoadInput {
  changes: Change[];
  checkpoint: Checkpoint | null;
  /** The API's time, seconds since 1970. */
  now: number;
  generation: number;
  /** The lease's epoch. */
  epoch: number;
  /** Whether operator results are stored with their content. */
  results: boolean;
  mask: Mask;
  /** Assume that conversations are new if none was stored when they were requested: then their children are sent at once. */
  assumeNew: boolean;
}

/** Orders requests: by the lease's epoch, then by their number within it. */
const orderOf = ({ request }: Change, epoch: number) => String((BigInt(epoch) << 32n) + BigInt(request));

/** Raises an error in Postgres itself, which then refuses every statement sent after it. There is nearly always nothing to refuse, and nothing waits for the answer. */
async function refuseSuperseded(queries: Queries, changes: Change[], epoch: number): Promise<void> {
  if (changes.length === 0) return;
  const parameters = [changes.map(({ id }) => id), changes.map((change) => orderOf(change, epoch))];
  await queries
    .sql(`select 1 / (not exists (${forgottenAmong(1)}) and not exists (${laterAmong}))::int`, parameters)
    .catch((error: unknown) => {
      throw error instanceof Error && 'code' in error && error.code === divisionByZero ? new Superseded() : error;
    });
}

const laterAmong = `select answer.id from twilio_sync.fingerprints
  join unnest($1::text[], $2::int8[]) as answer(id, request) on answer.id = conversation_id
  where fingerprints.request > answer.request`;

/** What of a batch must not be written: `forgotten` conversations, and `late` ones, of which the answer to a later request is stored. */
export async function findSuperseded(
  queries: Queries,
  changes: Change[],
  epoch: number,
): Promise<{ forgotten: Set<string>; late: Set<string> }> {
  const ids = changes.map(({ id }) => id);
  const later = await queries.sql<{ id: string }>(laterAmong, [ids, changes.map((change) => orderOf(change, epoch))]);
  return { forgotten: new Set(await readForgotten(queries, ids)), late: new Set(later.map(({ id }) => id)) };
}

interface Compared {
  /** The details that equal the stored ones. The order of keys and arrays does not count: the API changes it. */
  unchanged: Set<string>;
  /** Those whose operator results may be stored with less than what is stored now. */
  showMore: string[];
}

async function compareWithKnown(queries: Queries, found: Found[], mask: Mask): Promise<Compared> {
  if (found.length === 0) return { unchanged: new Set(), showMore: [] };
  const known = await queries.sql<{ id: Rows['fingerprints']['conversationId']; policy: string; blank: boolean }>(
    `select conversation_id as id, policy, fingerprints.detail = '' as blank from twilio_sync.fingerprints
     join unnest($1::text[], $2::text[]) as answer(id, detail) on answer.id = conversation_id
     where policy <> $4 or fingerprints.detail = '' or algorithm = $3 and answer.detail = fingerprints.detail`,
    [found.map(({ id }) => id), found.map(({ detail }) => detail), algorithm, mask.policy],
  );
  const before = known.map((each) => ({ ...each, policy: each.blank ? null : each.policy }));
  return {
    unchanged: new Set(before.filter(({ policy }) => policy === mask.policy).map(({ id }) => id)),
    showMore: before.filter(({ policy }) => showsMoreResults(mask, policy)).map(({ id }) => id),
  };
}

async function markDeleted(queries: Queries, changes: Change[], stamp: bigint): Promise<number> {
  const ids = changes.filter(({ deleted }) => deleted).map(({ id }) => id);
  if (ids.length === 0) return 0;
  // Without fingerprints, it counts as changed if it is ever listed again.
  await queries.sql('update twilio_sync.fingerprints set item = null, detail = null where conversation_id = any($1)', [
    ids,
  ]);
  const rows = await queries.sql(
    `update twilio.conversations set deleted_at = ${fromMicroseconds('$2')}, synced_at = ${fromMicroseconds('$2')} where id = any($1) and deleted_at is null returning id`,
    [ids, stamp],
    conversations,
  );
  return rows.length;
}

async function remember(queries: Queries, { changes, now, generation, epoch, mask }: LoadInput): Promise<void> {
  const stored = changes.filter(({ rows }) => rows !== null);
  const inserted =
    stored.length > 0 &&
    queries.sql(
      `insert into twilio_sync.fingerprints (conversation_id, item, detail, normalizer, generation, fetched_at, request, children, algorithm, policy)
     select id, item, detail, $5, case when listed then $6::int else 0 end, to_timestamp($7), request, children, $10, $11
     from unnest($1::text[], $2::bool[], $3::text[], $4::text[], $8::int8[], $9::int4[]) as answer(id, listed, item, detail, request, children), twilio_sync.lease
     on conflict (conversation_id) do update set
       item = case when excluded.generation = 0 and excluded.detail = fingerprints.detail
         and (excluded.algorithm, excluded.policy) = (fingerprints.algorithm, fingerprints.policy) then fingerprints.item else excluded.item end,
       detail = excluded.detail, normalizer = excluded.normalizer,
       generation = greatest(fingerprints.generation, excluded.generation), fetched_at = excluded.fetched_at,
       request = excluded.request, children = coalesce(excluded.children, fingerprints.children),
       algorithm = excluded.algorithm, policy = excluded.policy`,
      [
        stored.map(({ id }) => id),
        stored.map(({ listed }) => listed),
        stored.map(({ item }) => item),
        stored.map(({ detail }) => detail),
        normalizerVersion,
        generation,
        now,
        stored.map((change) => orderOf(change, epoch)),
        stored.map(({ rows }) => rows?.children ?? null),
        algorithm,
        mask.policy,
      ],
    );
  const shown = rememberShown(
    queries,
    stored.filter(({ listed }) => !listed),
    generation,
  );
  await Promise.all([inserted, shown, rememberBehind(queries, changes, mask.policy)]);
}

/**
 * Remembers the list item of a detail that was older than what is stored: otherwise each listing would start the waits again.
 * A detail's fingerprint from another algorithm or policy becomes one that equals none.
 */
async function rememberBehind(queries: Queries, changes: Change[], policy: string): Promise<void> {
  const seen = changes.filter(({ rows, item, deleted }) => rows === null && item !== null && !deleted);
  const behind = seen.filter(({ due }) => due.some(({ reason }) => reason === 'behind'));
  if (behind.length === 0) return;
  await queries.sql(
    `update twilio_sync.fingerprints set item = answer.item, algorithm = $3, policy = $4,
       detail = case when (algorithm, policy) = ($3, $4) then detail else left(detail, 0) end
     from unnest($1::text[], $2::text[]) as answer(id, item) where conversation_id = answer.id`,
    [behind.map(({ id }) => id), behind.map(({ item }) => item), algorithm, policy],
  );
}

/** Remembers that conversations were listed whose details came only now: if a later listing lacks them, they are missing. */
async function rememberShown(queries: Queries, changes: Change[], generation: number): Promise<void> {
  if (changes.length === 0) return;
  await queries.sql(
    `update twilio_sync.fingerprints set generation = $2 where conversation_id = any($1) and generation <> $2
     and exists (select from twilio_sync.due where due.conversation_id = fingerprints.conversation_id and due.fingerprint is not null)`,
    [changes.map(({ id }) => id), generation],
  );
}

/** Counts the stored children of these conversations. */
async function countChildren(queries: Queries, ids: string[]): Promise<void> {
  if (ids.length === 0) return;
  await queries.sql(
    `update twilio_sync.fingerprints set children = counted.children from (${countsOf(1)}) as counted where conversation_id = counted.id`,
    [ids],
  );
}
