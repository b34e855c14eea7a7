// Proves the copy: details are fetched and every value of them is held against what is stored. What the next sweep would
// find by itself, because the list shows it changed, is told apart from drift, which nothing but this would find.

import { mapAhead } from '../lib/ahead.ts';
import { secondsOf } from '../lib/timestamp.ts';
import type { Context } from './context.ts';
import { confirmFailures } from './control.ts';
import { type Item, reduce } from './diff.ts';
import { createFetcher, type Fetched } from './fetch.ts';
import { fingerprint } from './fingerprint.ts';
import { normalize, normalizerVersion } from './normalize.ts';
import { type Known, type Packed, Unstorable, type Window } from './ports.ts';
import { slices } from './slices.ts';
import { cut, maxWindowSeconds, upToNow } from './windows.ts';

/** A conversation that differs: `drift` stands against us, `changed` is for the next sweep, `unverified` could not be had. */
export interface Finding {
  id: string;
  kind: 'drift' | 'changed' | 'unverified';
  /** Tables and columns, or why; never contents. */
  where: string[];
}

export interface Verification {
  checked: number;
  findings: Finding[];
}

interface Wanted {
  id: string;
  /** The list item; undefined where it was not listed for this. */
  item: Item | undefined;
}

const batchSize = 250;

/** Holds so many stored conversations, chosen at random, against the API. @throws as pass. */
export async function verifySample(context: Context, count: number, signal: AbortSignal): Promise<Verification> {
  await context.api.proveBounds(context.settings.start, signal);
  const ids = await context.store.sample(count);
  return await verify(
    context,
    async function* () {
      for (const id of ids) yield { id, item: undefined };
    },
    signal,
  );
}

/** Lists everything and holds every conversation against the API. What is stored and no longer listed is for the next reconcile. @throws as pass. */
export async function verifyFull(context: Context, signal: AbortSignal): Promise<Verification> {
  await context.api.proveBounds(context.settings.start, signal);
  const unlisted: Finding[] = [];
  const stretches = cut(
    upToNow(context.api.now(), context.settings.start),
    context.api.bounded ? maxWindowSeconds : Number.POSITIVE_INFINITY,
  );
  const windows = stretches.map(
    (each): Window => ({ ...each, id: 0, sweepId: 0, sweep: 'reconcile', cursor: each.to, failures: 0 }),
  );
  const found = await verify(
    context,
    async function* (ended) {
      for await (const { items, mark } of slices(context, windows, ended)) {
        for (const id of mark.missing) unlisted.push({ id, kind: 'changed', where: ['not listed'] });
        for (const item of items) yield { id: item.id, item };
      }
    },
    signal,
  );
  return { checked: found.checked, findings: [...found.findings, ...unlisted] };
}

async function verify(
  context: Context,
  wanted: (signal: AbortSignal) => AsyncIterable<Wanted>,
  signal: AbortSignal,
): Promise<Verification> {
  const ended = new AbortController();
  const either = AbortSignal.any([signal, ended.signal]);
  const fetcher = createFetcher(context, either);
  const result: Verification = { checked: 0, findings: [] };
  let batch: { wanted: Wanted; fetched: Fetched }[] = [];
  const flush = async () => {
    result.findings.push(...(await check(context, batch, either)));
    result.checked += batch.length;
    fetcher.release(batch.reduce((bytes, { fetched }) => bytes + fetched.bytes, 0));
    batch = [];
    context.watcher.stored(context.counts);
  };
  try {
    const fetches = mapAhead(wanted(either), batchSize, async (each) => ({
      wanted: each,
      fetched: await fetcher.fetch({ id: each.id, item: null, due: [], stored: true }),
    }));
    for await (const each of fetches) {
      const { fetched } = each;
      batch.push(
        fetched.outcome.kind === 'tooLarge' ? { ...each, fetched: await fetcher.fetchAlone(fetched.fetch) } : each,
      );
      if (batch.length >= batchSize || fetched.outcome.kind === 'tooLarge') await flush();
    }
    await flush();
    return result;
  } finally {
    ended.abort(new Error('the verification has ended'));
  }
}

async function check(
  context: Context,
  batch: { wanted: Wanted; fetched: Fetched }[],
  signal: AbortSignal,
): Promise<Finding[]> {
  if (batch.length === 0) return [];
  await confirmFailures(
    context,
    batch.map(({ fetched }) => fetched),
    signal,
  );
  const known = await context.store.known(batch.map(({ wanted }) => wanted.id));
  const findings: Finding[] = [];
  const rows: Packed[] = [];
  for (const { wanted, fetched } of batch) {
    const { outcome } = fetched;
    try {
      if (outcome.kind === 'found') rows.push(context.store.pack(normalize(outcome.detail)));
      else if (outcome.kind === 'gone') findings.push({ id: wanted.id, kind: 'changed', where: ['no detail (404)'] });
      else
        findings.push({
          id: wanted.id,
          kind: 'unverified',
          where: [outcome.kind === 'failed' ? outcome.error : 'the detail is too large'],
        });
    } catch (error) {
      if (!(error instanceof Unstorable)) throw error;
      findings.push({ id: wanted.id, kind: 'unverified', where: [error.message] });
    }
  }
  const differing = await context.store.compare(rows);
  for (const { id } of rows) {
    // Stored as deleted, and there.
    if (known.get(id)?.stored?.item === null)
      differing.set(id, [...(differing.get(id) ?? []), 'conversations.deleted_at']);
  }
  for (const { wanted, fetched } of batch) {
    const where = differing.get(wanted.id);
    if (where === undefined || fetched.outcome.kind !== 'found') continue;
    const { raw } = fetched.outcome.detail;
    const same = known.get(wanted.id)?.stored?.detail === `${normalizerVersion}.${fingerprint(raw)}`;
    // The API gives arrays in another order: nothing has changed.
    if (same && where.every((place) => place.endsWith('.position'))) continue;
    findings.push({
      id: wanted.id,
      kind: await kindOf(context, wanted, fetched, known.get(wanted.id), same, signal),
      where,
    });
  }
  return findings;
}

/** A difference that the list shows too is for the next sweep; one in rows whose detail is the one stored last never is. */
async function kindOf(
  context: Context,
  wanted: Wanted,
  fetched: Fetched,
  known: Known | undefined,
  same: boolean,
  signal: AbortSignal,
): Promise<Finding['kind']> {
  if (same) return 'drift';
  // In quarantine, or due to be fetched anyway.
  if (known !== undefined && known.due.length > 0) return 'changed';
  const item = wanted.item ?? (await findItem(context, fetched, signal));
  if (known?.stored == null) return isRecent(context, fetched) ? 'changed' : 'drift';
  return item === undefined || item.fingerprint !== known.stored.item ? 'changed' : 'drift';
}

/** The list item of a detail, from the second in which it was created. */
async function findItem(context: Context, { outcome, fetch }: Fetched, signal: AbortSignal): Promise<Item | undefined> {
  if (outcome.kind !== 'found') return undefined;
  const from = secondsOf(outcome.detail.createdAt);
  for await (const { items } of context.api.list({ from, to: from + 1 }, null, signal)) {
    const found = items.find(({ id }) => id === fetch.id);
    if (found) return reduce(found);
  }
  return undefined;
}

/** Created so lately that no sweep need have seen it yet. */
function isRecent(context: Context, { outcome }: Fetched): boolean {
  return outcome.kind === 'found' && secondsOf(outcome.detail.createdAt) > context.api.now() - 1200;
}
