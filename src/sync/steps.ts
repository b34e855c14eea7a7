// What there is to do, as one stream of steps: a detail to fetch, a mark to set once everything before it is stored, or
// a pause, at which nothing is in flight and other work may go first.

import type { Context } from './context.ts';
import type { Checkpoint, Fetch, Window } from './model.ts';
import { slices } from './slices.ts';

export type Step =
  | { kind: 'fetch'; fetch: Fetch }
  | { kind: 'mark'; mark: Checkpoint }
  | { kind: 'pause'; resume: () => void };

const dueSize = 250;

/** The steps of some windows; `interrupted` is asked before each detail, and a pause follows where it says yes. */
export async function* windowSteps(
  context: Context,
  windows: Window[],
  interrupted: () => boolean,
  signal: AbortSignal,
): AsyncGenerator<Step> {
  for (const { from, cursor } of windows) context.counts.secondsToList += cursor - from;
  for await (const { changed, mark } of slices(context, windows, signal)) {
    for (const fetch of changed) {
      if (interrupted()) yield* pause(signal);
      yield { kind: 'fetch', fetch };
    }
    yield { kind: 'mark', mark };
    if (interrupted()) yield* pause(signal);
  }
}

/** The steps of everything that is due by now. What a step leads to is stored before the next ones are asked for. */
export async function* dueSteps(context: Context, signal: AbortSignal): AsyncGenerator<Step> {
  for (;;) {
    const ids = await context.store.dueAt(context.api.now(), dueSize);
    if (ids.length === 0) return;
    yield* fetchSteps(context, ids);
    yield* pause(signal);
  }
}

/** A step for each of some conversations that were not listed just now. */
export async function* fetchSteps(context: Context, ids: string[]): AsyncGenerator<Step> {
  const known = await context.store.known(ids);
  for (const id of ids) {
    const { stored = null, due = [] } = known.get(id) ?? {};
    const ripe = due.filter(({ setAside }) => !setAside);
    yield { kind: 'fetch', fetch: { id, item: null, due: ripe, stored: stored !== null } };
  }
}

/** Ends when the consumer has stored everything before it and says so. */
async function* pause(signal: AbortSignal): AsyncGenerator<Step> {
  const resumed = Promise.withResolvers<void>();
  // Also where nobody has come back for the next step yet: that alone must not end the process.
  resumed.promise.catch(() => {});
  const onAbort = () => resumed.reject(signal.reason);
  if (signal.aborted) onAbort();
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    yield { kind: 'pause', resume: resumed.resolve };
    await resumed.promise;
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
