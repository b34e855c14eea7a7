// Verifies the copy: fetches details and compares every value with what is stored. Tells differences that the next sweep will
// find, because the list shows them, from drift, which nothing but this finds. Nothing is called drift at first sight: the API
// may have changed meanwhile, or a worker may have stored something. So differences are checked again, up to four times.

import { secondsOf } from '../lib/timestamp.ts';
import type { Context } from './context.ts';
import type { Fetched } from './details.ts';
import { fingerprint, isComparable } from './fingerprint.ts';
import { reduce } from './list-whole.ts';
import { type Item, type Known, type Packed, type TimeRange, Unstorable } from './model.ts';
import { normalize, normalizerVersion } from './normalize.ts';
import { fetchInBatches, type Step } from './pipeline.ts';
import { slices } from './slices.ts';
import { previewWindows, rangesOf, uncovered } from './sweeps.ts';
import { verifyResults } from './verify-results.ts';

/**
 * A conversation that differs. `drift`: the copy is wrong; `changed`: the next sweep will find it; `quarantined`: it differs, and
 * cannot be stored at present; `unverified`: its detail could not be fetched.
 */
export interface Finding {
  id: string;
  kind: 'drift' | 'changed' | 'quarantined' | 'unverified';
  /** Tables and columns, or the reason; never contents. */
  where: string[];
}

export interface Verification {
  checked: number;
  /** Operator results of theirs that were compared. */
  results: number;
  findings: Finding[];
}

/** A difference that the list does not show, as far as one look can tell. */
interface Suspect extends Finding {
  /** The API's answer and what is remembered of it. If a second look finds the same, neither has changed meanwhile. */
  evidence: string;
}

interface Look extends Verification {
  suspects: Map<string, Suspect>;
}

/** What is wrong if `isUnread`. */
export const unread =
  'none of the conversations that are remembered as stored can be read: were their rows deleted, or does row-level security hide them?';

/** Whether each checked conversation lacks its row: most likely the rows cannot be read. */
export function isUnread({ checked, findings }: Verification): boolean {
  const missing = findings.filter(({ kind, where }) => kind === 'drift' && where.includes('conversations.row missing'));
  return checked > 0 && missing.length === checked;
}

const batchSize = 250;
const maxLooks = 4;

/** Verifies this many stored conversations, chosen at random. @throws as pass. */
export async function verifySample(context: Context, count: number, signal: AbortSignal): Promise<Verification> {
  return await verifyIds(context, await context.store.sample(count), signal);
}

/** Verifies these conversations. @throws as pass. */
export async function verifyIds(context: Context, ids: string[], signal: AbortSignal): Promise<Verification> {
  await context.api.proveBounds(context.settings.start, signal);
  return await verify(context, () => stepsOf(ids), signal);
}

/** Lists everything and verifies each conversation. Those that are stored and no longer listed are left to the next reconcile. @throws as pass. */
export async function verifyFull(context: Context, signal: AbortSignal): Promise<Verification> {
  const { api, store, settings, counts } = context;
  await api.proveBounds(settings.start, signal);
  const missing: Finding[] = [];
  const windows = previewWindows('reconcile', await rangesOf(context, 'reconcile', null));
  const { covered, reached } = await store.windows();
  const loaded = { from: settings.start, to: reached ?? Number.POSITIVE_INFINITY };
  if (uncovered(loaded, covered).length > 0) counts.incomplete.push('history is not listed to its end yet');
  async function* listed(ended: AbortSignal): AsyncGenerator<Step> {
    for await (const { items, checkpoint } of slices(context, windows, ended)) {
      for (const id of checkpoint.missing) missing.push({ id, kind: 'changed', where: ['not listed'] });
      for (const item of items) yield { kind: 'fetch', fetch: { id: item.id, item, due: [], stored: true } };
    }
  }
  const found = await verify(context, listed, signal);
  const findings = [...found.findings, ...missing];
  if (found.checked + findings.length === 0 && (await store.sample(1)).length > 0)
    counts.incomplete.push(
      'nothing was checked: the API lists none of the conversations that are remembered as stored, and none of them can be read',
    );
  return { ...found, findings };
}

async function* stepsOf(ids: Iterable<string>): AsyncGenerator<Step> {
  for (const id of ids) yield { kind: 'fetch', fetch: { id, item: null, due: [], stored: true } };
}

/** Looks at the conversations, and again at those that seem to have drifted, until two looks agree. */
async function verify(
  context: Context,
  steps: (signal: AbortSignal) => AsyncIterable<Step>,
  signal: AbortSignal,
): Promise<Verification> {
  const { checked, results, findings, suspects } = await look(context, steps, signal);
  let before = suspects;
  for (let looks = 1; before.size > 0 && looks < maxLooks; looks += 1) {
    const ids = before.keys();
    const again = await look(context, () => stepsOf(ids), signal);
    findings.push(...again.findings);
    for (const [id, { kind, where, evidence }] of again.suspects) {
      if (before.get(id)?.evidence !== evidence) continue;
      findings.push({ id, kind, where });
      again.suspects.delete(id);
    }
    before = again.suspects;
  }
  // They differed in another way at each look.
  for (const { id, where } of before.values()) findings.push({ id, kind: 'changed', where });
  return { checked, results, findings };
}

async function look(
  context: Context,
  steps: (signal: AbortSignal) => AsyncIterable<Step>,
  signal: AbortSignal,
): Promise<Look> {
  const result: Look = { checked: 0, results: 0, findings: [], suspects: new Map() };
  await fetchInBatches<Fetched>(
    context,
    steps,
    {
      firstBatchSize: batchSize,
      prepare: (fetched) => fetched,
      async store(batch) {
        await check(context, batch, result, signal);
        context.watcher.stored(context.counts);
      },
      storeLarge: async (_fetched, alone) => await alone.store(await alone.fetch()),
    },
    signal,
  );
  return result;
}

/** Compares a batch with what is stored, and adds what it finds. */
async function check(context: Context, fetched: Fetched[], look: Look, signal: AbortSignal): Promise<void> {
  const { store, settings } = context;
  const { mask } = settings;
  const { findings, suspects } = look;
  const known = await store.known(fetched.map(({ fetch }) => fetch.id));
  // A forgotten conversation is still listed, and is not stored on purpose.
  const batch = fetched.filter(({ fetch }) => known.get(fetch.id)?.forgotten !== true);
  look.checked += batch.length;
  const rows: Packed[] = [];
  for (const { fetch, outcome } of batch) {
    const { id } = fetch;
    try {
      if (outcome.kind === 'found') rows.push(store.pack(normalize(outcome.detail, true, mask)));
      // If it is stored as deleted, a 404 is right.
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
    // It is stored as deleted, and exists.
    if (known.get(id)?.stored?.item === null)
      differing.set(id, [...(differing.get(id) ?? []), 'conversations.deleted_at']);
  }
  const { covered } = await store.windows();
  for (const each of batch) {
    const { id } = each.fetch;
    const where = differing.get(id);
    if (where === undefined || each.outcome.kind !== 'found') continue;
    const print = fingerprint(each.outcome.detail.raw);
    const { stored = null } = known.get(id) ?? {};
    const same =
      stored !== null && isComparable(stored, mask.policy) && stored.detail === `${normalizerVersion}.${print}`;
    // The API only returns arrays in another order.
    if (same && where.every((place) => place.endsWith('.position'))) continue;
    const evidence = JSON.stringify([print, stored?.item, stored?.detail]);
    if (!same && (await isListed(context, each, stored, covered, signal)))
      findings.push({ id, kind: 'changed', where });
    else suspects.set(id, { id, kind: same ? 'drift' : kindOf(known.get(id)), where, evidence });
  }
  const stored = batch.filter(
    ({ fetch, outcome }) => outcome.kind === 'found' && known.get(fetch.id)?.stored?.item != null,
  );
  await checkResults(context, stored, look, signal);
}

async function checkResults(context: Context, stored: Fetched[], look: Look, signal: AbortSignal): Promise<void> {
  const ids = stored.map(({ fetch }) => fetch.id);
  const { checked, found } = await verifyResults(context, ids, signal);
  look.results += checked;
  for (const [id, { kind, where, evidence }] of found) {
    const own = look.suspects.get(id);
    // A result is named by its table: whoever reads one finding sees what else differs.
    if (kind !== 'drift') look.findings.push({ id, kind, where });
    else if (own === undefined) look.suspects.set(id, { id, kind, where, evidence });
    else
      look.suspects.set(id, {
        ...own,
        where: [...own.where, ...where],
        evidence: JSON.stringify([own.evidence, evidence]),
      });
  }
}

/** A difference that the list does not show. If the conversation is due, the difference will be gone by itself. */
function kindOf(known: Known | undefined): Finding['kind'] {
  const due = (known?.due ?? []).filter(({ setAside }) => !setAside);
  if (due.some(({ reason }) => reason === 'failed')) return 'quarantined';
  return due.length > 0 ? 'changed' : 'drift';
}

/** Whether the list shows a difference too, or has not been listed yet: the next sweep will find it. */
async function isListed(
  context: Context,
  fetched: Fetched,
  stored: Known['stored'],
  covered: TimeRange[],
  signal: AbortSignal,
): Promise<boolean> {
  if (stored === null) return isAwaited(context, fetched, covered);
  // Nothing that is remembered of it can be compared, so the next listing fetches it again.
  if (!isComparable(stored, context.settings.mask.policy)) return true;
  const listedBefore = fetched.fetch.item;
  if (listedBefore !== null && listedBefore.fingerprint !== stored.item) return true;
  // The list may have changed since, thousands of details ago.
  const item = await findItem(context, fetched, signal);
  return item?.fingerprint !== stored.item;
}

/** Lists the second in which a conversation was created, to find its list item. */
async function findItem(context: Context, { outcome, fetch }: Fetched, signal: AbortSignal): Promise<Item | undefined> {
  if (outcome.kind !== 'found') return undefined;
  const from = secondsOf(outcome.detail.createdAt);
  for await (const { items } of context.api.list({ from, to: from + 1 }, null, signal)) {
    const found = items.find(({ id }) => id === fetch.id);
    if (found) return reduce(found);
  }
  return undefined;
}

/** Whether it was created so recently that no sweep may have seen it, or in a range that is not completely listed. */
function isAwaited({ api }: Context, { outcome }: Fetched, covered: TimeRange[]): boolean {
  if (outcome.kind !== 'found') return false;
  const from = secondsOf(outcome.detail.createdAt);
  return from > api.now() - 1200 || uncovered({ from, to: from + 1 }, covered).length > 0;
}
