// What follows from what is to be kept, beside the listings: erasing and fetching again, a little at a time. Recent work goes before
// each transaction.

import type { Context } from './context.ts';

/** Erases what was marked as deleted before that meant to be erased. @throws LeaseLost, the signal's reason. */
export async function eraseDeleted(context: Context, recent: () => Promise<void>, signal: AbortSignal): Promise<void> {
  const { settings, learned, store, counts, requests } = context;
  while (settings.keep.eraseDeleted && !learned.deletedErased) {
    signal.throwIfAborted();
    const erased = await store.eraseDeleted();
    counts.erased += erased;
    learned.deletedErased = erased === 0;
    if (requests.sweeps.size > 0) await recent();
  }
}

/** Makes closed conversations due that have not been looked at for long. @throws LeaseLost. */
export async function planReread({ api, store, settings }: Context): Promise<void> {
  const { rereadSeconds } = settings.keep;
  if (rereadSeconds !== null) await store.planReread(api.now(), rereadSeconds);
}
