// Proves the copy: details are fetched and every value of them is held against what is stored. What the next sweep would
// find by itself, because the list shows it changed, is told apart from drift, which nothing but this would find.
// Nothing is called drift at first sight: meanwhile the API may have gone on, or a worker may have stored something.

import { mapAhead } from '../lib/ahead.ts';
import { secondsOf } from '../lib/timestamp.ts';
import type { Context } from './context.ts';
import { confirmFailures } from './control.ts';
import { reduce } from './diff.ts';
import { createFetcher, type Fetched } from './fetch.ts';
import { fingerprint, isComparable } from './fingerprint.ts';
import { type Item, type Known, type Packed, type TimeRange, Unstorable } from './model.ts';
import { normalize, normalizerVersion } from './normalize.ts';
import { slices } from './slices.ts';
import { cut, maxWindowSeconds, uncovered, unplanned, upToNow } from './windows.ts';

/**
 * A conversation that differs. `drift` stands against us; `changed` is for the next sweep; `quarantined`: it differs, and
 * cannot be stored at present; `unverified`: its detail could not be had.
 */
export interface Finding {
  id: string;
  kind: 'drift' | 'changed' | 'quarantined' | 'unverified';
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

/** A difference that the list does not show, as far as one look can tell. */
interface Suspect extends Finding {
  /** What the API gave and what was remembered of it: where a second look finds the same, both have stood still between. */
  evidence: string;
}

interface Look extends Verification {
  suspects: Map<string, Suspect>;
}

/** What is wrong where `isUnread`. */
export const unread =
  'none of the conversations that are remembered as stored can be read: were their rows deleted, or does row-level security hide them?';

/** Whether every conversation looked at lacks its row: most likely they cannot be read. */
export function isUnread({ checked, findings }: Verification): boolean {
  const missing = findings.filter(({ kind, where }) => kind === 'drift' && where.includes('conversations.row missing'));
  return checked > 0 && missing.length === checked;
}

const batchSize = 250;
const mostLooks = 4;

/** Holds so many stored conversations, chosen at random, against the API. @throws as pass. */
export async function verifySample(context: Context, count: number, signal: AbortSignal): Promise<Verification> {
  return await verifyIds(context, await context.store.sample(count), signal);
}

/** Holds these conversations against the API. @throws as pass. */
export async function verifyIds(context: Context, ids: string[], signal: AbortSignal): Promise<Verification> {
  await context.api.proveBounds(context.settings.start, signal);
  return await verify(context, () => unlisted(ids), signal);
}

/** Lists everything and holds every conversation against the API. What is stored and no longer listed is for the next reconcile. @throws as pass. */
export async function verifyFull(context: Context, signal: AbortSignal): Promise<Verification> {
  await context.api.proveBounds(context.settings.start, signal);
  const missing: Finding[] = [];
  const stretches = cut(
    upToNow(context.api.now(), context.settings.start),
    context.api.bounded ? maxWindowSeconds : Number.POSITIVE_INFINITY,
  );
  const windows = unplanned('reconcile', stretches);
  const { covered, reached } = await context.store.windows();
  const loaded = { from: context.settings.start, to: reached ?? Number.POSITIVE_INFINITY };
  if (uncovered(loaded, covered).length > 0) context.counts.incomplete.push('history is not listed to its end yet');
  const found = await verify(
    context,
    async function* (ended) {
      for await (const { items, mark } of slices(context, windows, ended)) {
        for (const id of mark.missing) missing.push({ id, kind: 'changed', where: ['not listed'] });
        for (const item of items) yield { id: item.id, item };
      }
    },
    signal,
  );
  const findings = [...found.findings, ...missing];
  if (found.checked + findings.length === 0 && (await context.store.sample(1)).length > 0)
    context.counts.incomplete.push(
      'nothing was checked: the API lists none of the conversations that are remembered as stored, and none of them can be read',
    );
  return { checked: found.checked, findings };
}

async function* unlisted(ids: Iterable<string>): AsyncGenerator<Wanted> {
  for (const id of ids) yield { id, item: undefined };
}

async function verify(
  context: Context,
  wanted: (signal: AbortSignal) => AsyncIterable<Wanted>,
  signal: AbortSignal,
): Promise<Verification> {
  const { checked, findings, suspects } = await look(context, wanted, signal);
  let before = suspects;
  for (let looks = 1; before.size > 0 && looks < mostLooks; looks += 1) {
    const ids = before.keys();
    const again = await look(context, () => unlisted(ids), signal);
    findings.push(...again.findings);
    for (const [id, { kind, where, evidence }] of again.suspects) {
      if (before.get(id)?.evidence !== evidence) continue;
      findings.push({ id, kind, where });
      again.suspects.delete(id);
    }
    before = again.suspects;
  }
  // Another one with each look.
  for (const { id, where } of before.values()) findings.push({ id, kind: 'changed', where });
  return { checked, findings };
}

async function look(
  context: Context,
  wanted: (signal: AbortSignal) => AsyncIterable<Wanted>,
  signal: AbortSignal,
): Promise<Look> {
  const ended = new AbortController();
  const either = AbortSignal.any([signal, ended.signal]);
  const fetcher = createFetcher(context, either);
  const result: Look = { checked: 0, findings: [], suspects: new Map() };
  let batch: { wanted: Wanted; fetched: Fetched }[] = [];
  const flush = async () => {
    await check(context, batch, result, either);
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

/** Holds a batch against what is stored, and adds what it finds. */
async function check(
  context: Context,
  all: { wanted: Wanted; fetched: Fetched }[],
  look: Look,
  signal: AbortSignal,
): Promise<void> {
  if (all.length === 0) return;
  const { store } = context;
  const { findings, suspects } = look;
  await confirmFailures(
    context,
    all.map(({ fetched }) => fetched),
    signal,
  );
  const known = await store.known(all.map(({ wanted }) => wanted.id));
  // What a person has had forgotten is listed all the same, and is not meant to be here.
  const batch = all.filter(({ wanted }) => known.get(wanted.id)?.forgotten !== true);
  look.checked += batch.length;
  const rows: Packed[] = [];
  for (const { wanted, fetched } of batch) {
    const { id } = wanted;
    const { outcome } = fetched;
    try {
      if (outcome.kind === 'found') rows.push(store.pack(normalize(outcome.detail)));
      // What is stored as deleted should be gone.
      else if (outcome.kind === 'gone') {
        if (known.get(id)?.stored?.item !== null) findings.push({ id, kind: 'changed', where: ['no detail (404)'] });
      } else {
        const error = outcome.kind === 'failed' ? outcome.error : 'the detail is too large';
        findings.push({ id, kind: 'unverified', where: [error] });
      }
    } catch (error) {
      if (!(error instanceof Unstorable)) throw error;
      findings.push({ id, kind: 'unverified', where: [error.message] });
    }
  }
  const differing = await store.compare(rows);
  for (const { id } of rows) {
    // Stored as deleted, and there.
    if (known.get(id)?.stored?.item === null)
      differing.set(id, [...(differing.get(id) ?? []), 'conversations.deleted_at']);
  }
  const { covered } = await store.windows();
  for (const { wanted, fetched } of batch) {
    const { id } = wanted;
    const where = differing.get(id);
    if (where === undefined || fetched.outcome.kind !== 'found') continue;
    const print = fingerprint(fetched.outcome.detail.raw);
    const { stored = null } = known.get(id) ?? {};
    const same = stored !== null && isComparable(stored) && stored.detail === `${normalizerVersion}.${print}`;
    // The API gives arrays in another order: nothing has changed.
    if (same && where.every((place) => place.endsWith('.position'))) continue;
    const evidence = JSON.stringify([print, stored?.item, stored?.detail]);
    if (!same && (await isListed(context, wanted, fetched, stored, covered, signal)))
      findings.push({ id, kind: 'changed', where });
    else suspects.set(id, { id, kind: same ? 'drift' : kindOf(known.get(id)), where, evidence });
  }
}

/** A difference that the list does not show: of what is due, it ends by itself. */
function kindOf(known: Known | undefined): Finding['kind'] {
  const due = (known?.due ?? []).filter(({ setAside }) => !setAside);
  if (due.some(({ reason }) => reason === 'failed')) return 'quarantined';
  return due.length > 0 ? 'changed' : 'drift';
}

/** Whether the list shows a difference too, or is still to be listed: it is for the next sweep. */
async function isListed(
  context: Context,
  wanted: Wanted,
  fetched: Fetched,
  stored: Known['stored'],
  covered: TimeRange[],
  signal: AbortSignal,
): Promise<boolean> {
  if (stored === null) return isAwaited(context, fetched, covered);
  // To be fetched anew with the next listing, as nothing that is remembered of it can be compared.
  if (!isComparable(stored)) return true;
  if (wanted.item !== undefined && wanted.item.fingerprint !== stored.item) return true;
  // The list as it was thousands of details ago is no evidence.
  const item = await findItem(context, fetched, signal);
  return item?.fingerprint !== stored.item;
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

/** Created so lately that no sweep need have seen it yet, or in a stretch that none has listed to its end. */
function isAwaited({ api }: Context, { outcome }: Fetched, covered: TimeRange[]): boolean {
  if (outcome.kind !== 'found') return false;
  const from = secondsOf(outcome.detail.createdAt);
  return from > api.now() - 1200 || uncovered({ from, to: from + 1 }, covered).length > 0;
}
