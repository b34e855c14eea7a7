// What follows from what is to be kept, beside the listings: erasing and fetching again, a little at a time. Recent work goes before
// each transaction.

import type { Context } from './context.ts';
import { edgeOf } from './keep.ts';

/**
 * Once a day, erases what was created before the days that are kept. It may do so at once for a new setting that takes little, or for
 * one that a person has allowed; else nothing is erased. No listing of windows may be under way. @throws LeaseLost, the signal's reason.
 */
export async function eraseOld(context: Context, recent: () => Promise<void>, signal: AbortSignal): Promise<void> {
  const { api, settings, learned, store, counts, requests, watcher } = context;
  const { retentionSeconds } = settings.keep;
  const edge = edgeOf(retentionSeconds, api.now());
  if (learned.keptFrom === edge) return;
  const tooMany = await store.startRetention(retentionSeconds, edge, settings.allowMassDelete);
  if (tooMany !== null) {
    const { old, stored } = tooMany;
    counts.incomplete.push(`SYNC_RETENTION: ${old} of ${stored} stored conversations are older; none was erased`);
    watcher.warn('retention brake', tooMany);
    return;
  }
  if (edge !== null) {
    if (edge > settings.start) {
      await store.startHistoryAt(edge);
      settings.start = edge;
    }
    settings.eraseBefore = edge;
    for (let erased = 1; erased > 0; ) {
      signal.throwIfAborted();
      erased = await store.eraseOld(edge);
      counts.erased += erased;
      watcher.stored(counts);
      if (requests.sweeps.size > 0) await recent();
    }
    await store.endRetention(edge, api.now());
  }
  learned.keptFrom = edge;
}

/** Erases what was marked as deleted before that meant to be erased. @throws LeaseLost, the signal's reason. */
export async function eraseDeleted(context: Context, recent: () => Promise<void>, signal: AbortSignal): Promise<void> {
  const { settings, learned, store, counts, requests, watcher } = context;
  while (settings.keep.eraseDeleted && !learned.deletedErased) {
    signal.throwIfAborted();
    const erased = await store.eraseDeleted();
    counts.erased += erased;
    learned.deletedErased = erased === 0;
    watcher.stored(counts);
    if (requests.sweeps.size > 0) await recent();
  }
}

/** Makes closed conversations due that have not been looked at for long. @throws LeaseLost. */
export async function planReread({ api, store, settings }: Context): Promise<void> {
  const { rereadSeconds } = settings.keep;
  if (rereadSeconds !== null) await store.planReread(api.now(), rereadSeconds);
}
