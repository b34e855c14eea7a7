// Operator results. Each tick reads the newest part of the account's list, down to just below what was read before. History is read
// from the same list, once, page by page. What neither shows is requested by id or by conversation. Each link has its result, or a
// row in results_due says why not, or the first walk has not ended.

import { secondsOf } from '../lib/timestamp.ts';
import type { Context, Results } from './context.ts';
import { ListingFailed, Unstorable } from './model.ts';
import { type ResultLoad, ResultsRefused, type ResultsStore, type Walk, WalkExpired } from './result-model.ts';
import { Listed, NewestFirst } from './result-order.ts';
import { fetchResultsDue, storeResults } from './results-due.ts';
import { overlapSeconds } from './sweeps.ts';

/** The most pages that a tick reads. The rest is read like history. */
const maxHeadPages = 20;
/** A page of a tick that has little to see. */
const minPage = 50;
const maxSmallPage = 500;
const maxRestarts = 2;

/**
 * With a reconcile, the whole list is read again, and what was refused is tried again. Called while the reconcile is still
 * requested, so that a pass that fails does not forget it. @throws LeaseLost.
 */
export async function planWalk({ results, requests }: Context): Promise<void> {
  if (results === null || !requests.sweeps.has('reconcile')) return;
  await results.store.refuse(null);
  await results.store.beginWalk(true);
}

/** Reads the newest part of the list; with a lookback also the names. @throws what stops a whole pass, LeaseLost. */
export async function readNewResults(context: Context, signal: AbortSignal): Promise<void> {
  if (context.results === null) return;
  // Before history is listed: the walk shows its results, and no conversation has to ask for its own.
  await context.results.store.beginWalk(false);
  if (context.requests.names) context.requests.names = !(await readNames(context, context.results, signal));
  await readHead(context, context.results, signal);
}

async function readHead(context: Context, results: Results, signal: AbortSignal): Promise<void> {
  const { store } = results;
  const { mark, givenUp, refused } = await store.head();
  if (givenUp !== null || refused !== null) return;
  const began = context.api.now();
  // The first time, one page shows where the newest is. What lies below is history.
  const downTo = mark === null ? Number.POSITIVE_INFINITY : mark - overlapSeconds;
  // A result with a time in the future would hide all that are made before it.
  const top = (highest: number | null) => Math.max(mark ?? 0, Math.min(highest ?? began, began));
  // Most ticks have little to see, and ask for little. If that is not enough, it is read anew in whole pages.
  for (const most of new Set([context.learned.headSize, Number.POSITIVE_INFINITY])) {
    const order = new NewestFirst();
    try {
      if (await readNewest(context, results, { most, downTo, order, top }, signal)) return;
    } catch (error) {
      if (error instanceof WalkExpired) {
        // Left to a walk, which handles expired tokens.
        const head = { mark: top(order.highest), rest: { downTo, token: null } };
        return await storeResults(context, store, { items: [], foundBy: 'head', head });
      }
      if (!(error instanceof ListingFailed)) throw error;
      context.counts.incomplete.push(`operator results: ${error.message}`);
      return;
    }
  }
}

interface Newest {
  /** The most items of a page. */
  most: number;
  /** Ends below this. */
  downTo: number;
  order: NewestFirst;
  /** The next mark, given the newest that was seen. */
  top(highest: number | null): number;
}

/** Stores the newest part of the list, page by page. @returns whether small pages were enough. */
async function readNewest(
  context: Context,
  results: Results,
  { most, downTo, order, top }: Newest,
  signal: AbortSignal,
): Promise<boolean> {
  const { api, store } = results;
  let pages = 0;
  let seen = 0;
  let isEnough = true;
  await listing(context, results, null, async () => {
    for await (const { items, bad, nextToken } of api.pages({}, null, signal, most)) {
      pages += 1;
      order.see(items);
      if (order.broken) return await giveUp(context, store, 'the list of operator results is not newest first');
      const reached = nextToken === null || order.lowest < downTo;
      isEnough = reached || most === Number.POSITIVE_INFINITY;
      if (!isEnough) return;
      const stops = reached || pages === maxHeadPages;
      const rest = reached ? null : { downTo, token: nextToken };
      const load: ResultLoad = { items, bad, foundBy: 'head' };
      await storeResults(context, store, stops ? { ...load, head: { mark: top(order.highest), rest } } : load);
      seen += items.filter(({ createdAt }) => secondsOf(createdAt) >= downTo).length;
      if (stops) break;
    }
  });
  context.learned.headSize = seen > maxSmallPage / 2 ? Number.POSITIVE_INFINITY : Math.max(minPage, 2 * seen);
  return isEnough;
}

/**
 * Goes on with the walks over the list, one page a transaction; `interrupted` is asked after each, and what is recent goes first.
 * @throws what stops a whole pass, LeaseLost.
 */
export async function walkResults(
  context: Context,
  interrupted: () => boolean,
  recent: () => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  if (context.results === null) return;
  const { store } = context.results;
  let watched: Watched | null = null;
  for (;;) {
    await fetchResultsDue(context, signal);
    const walk = await store.pendingWalk();
    if (walk === null || (await store.head()).refused !== null) return;
    if (walk.kind === 'gaps') await store.searchGaps(walk);
    else {
      // What recent work interrupts goes on as if it had not: of the last minutes that it listed, more may come.
      if (watched?.id !== walk.id || watched.token !== walk.token) watched = watchOf(walk, context.api.now());
      const went = await goOn(context, context.results, walk, watched, interrupted, signal);
      if (went === 'stopped') return;
      if (went === 'ended' && walk.kind === 'all') await reportBrake(context, store);
    }
    if (interrupted()) await recent();
  }
}

async function reportBrake({ counts, watcher }: Context, store: ResultsStore): Promise<void> {
  const { braked } = await store.head();
  if (braked === null) return;
  const { missing, expected } = braked;
  counts.incomplete.push(
    `${missing} of ${expected} stored operator results were not listed; none was checked, none deleted`,
  );
  watcher.warn('deletion brake', { sweep: 'operator results', ...braked });
}

/** What was seen of a walk's list so far, up to the page that `token` leads to. */
interface Watched {
  id: number;
  token: string | null;
  order: NewestFirst;
  check: Listed;
}

function watchOf({ id, token, reached }: Walk, now: number): Watched {
  return { id, token, order: new NewestFirst(), check: new Listed(reached, token === null ? now : null) };
}

/** @returns `stopped` where the next pass has to try again. */
async function goOn(
  context: Context,
  results: Results,
  walk: Walk,
  watched: Watched,
  interrupted: () => boolean,
  signal: AbortSignal,
): Promise<'ended' | 'interrupted' | 'stopped'> {
  const { api, store } = results;
  const filter = walk.operatorId === null ? {} : { operatorId: walk.operatorId };
  const { order, check } = watched;
  let { ordered } = walk;
  let done: 'ended' | 'interrupted' | 'stopped' = 'stopped';
  try {
    const isRefused = await listing(context, results, walk, async () => {
      for await (const { items, bad, nextToken } of api.pages(filter, walk.token, signal)) {
        order.see(items);
        ordered &&= !order.broken;
        if (order.broken && walk.kind !== 'operator')
          await giveUp(context, store, 'the list of operator results is not newest first');
        const ended = nextToken === null || (walk.downTo !== null && ordered && order.lowest < walk.downTo);
        const reached = Math.min(walk.reached ?? Number.POSITIVE_INFINITY, order.lowest);
        const checked = walk.kind === 'all' && ordered ? check.next(items, order, ended) : null;
        const moved = {
          walk: { ...walk, token: watched.token },
          token: nextToken,
          reached: Number.isFinite(reached) ? reached : null,
          ordered,
          ended,
          checked,
        };
        await storeResults(context, store, { items, bad, foundBy: 'walk', walk: moved });
        watched.token = nextToken;
        if (ended) done = 'ended';
        else if (interrupted()) done = 'interrupted';
        if (done !== 'stopped') return;
      }
    });
    if (isRefused) done = 'ended';
  } catch (error) {
    if (error instanceof WalkExpired) return await expire(store, walk);
    if (!(error instanceof ListingFailed)) throw error;
    await store.failWalk(walk, error.message);
    context.counts.incomplete.push(`operator results: ${error.message}`);
  }
  return done;
}

/** A walk whose token expired starts again. If that gets it no further, there is a walk for each operator. */
async function expire(store: ResultsStore, walk: Walk): Promise<'interrupted'> {
  if (walk.restarts < maxRestarts) await store.restartWalk(walk);
  else if (walk.kind !== 'all' || !(await store.splitWalk(walk))) await store.endWalk(walk);
  return 'interrupted';
}

/**
 * Stores the names of operators and configurations, and makes the views of operators. @returns whether that is done; else the next tick
 * does it. @throws what stops a whole pass, LeaseLost.
 */
async function readNames(context: Context, { api, store }: Results, signal: AbortSignal): Promise<boolean> {
  for (const [table, read] of [
    ['operators', api.operators],
    ['intelligence_configurations', api.configurations],
  ] as const) {
    try {
      const all = await read(signal);
      if (all !== null) await store.putNames(table, all);
    } catch (error) {
      if (!(error instanceof ListingFailed || error instanceof Unstorable)) throw error;
      context.watcher.warn('names cannot be kept', { table, error: error.message });
    }
  }
  const failed = await store.updateViews();
  for (const { operatorId, error } of failed.filter(({ isBusy }) => !isBusy))
    context.watcher.warn('the views of an operator are not up to date; they are tried again later', {
      operatorId,
      error,
    });
  return !failed.some(({ isBusy }) => isBusy);
}

/** Lists the newest part, or a walk's. @returns whether the API refuses it; then results are found otherwise, or not at all. */
async function listing(
  context: Context,
  { store }: Results,
  walk: Walk | null,
  work: () => Promise<void>,
): Promise<boolean> {
  try {
    await work();
    return false;
  } catch (error) {
    if (!(error instanceof ResultsRefused)) throw error;
    if (error.why === 'forbidden') {
      await store.refuse(error.message);
      context.watcher.warn('operator results are refused; conversations go on', { error: error.message });
      return true;
    }
    if (walk?.kind !== 'operator') await giveUp(context, store, error.message);
    const refused = walk ?? (await store.pendingWalk());
    if (refused !== null && refused.kind !== 'gaps') await store.endWalk(refused);
    return true;
  }
}

async function giveUp({ watcher }: Context, store: ResultsStore, reason: string): Promise<void> {
  if ((await store.head()).givenUp !== null) return;
  await store.giveUpHead(reason);
  watcher.warn('new operator results are found by conversation from now on', { reason });
}
