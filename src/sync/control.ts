// Outcomes that are failures in; nothing out, or the pass's trouble thrown. A detail that cannot be had is its
// conversation's own trouble as long as another detail can be had. Where that is in doubt, a known good one is asked for.

import type { Context } from './context.ts';
import { type Failed, type OutcomeKind, Unstorable } from './model.ts';

const mostControls = 3;
/** Enough to tell that a detail is served at all. */
const controlBytes = 1_000_000;
/** So many conversations without one success are the API's trouble, where no good one is known. */
const mostWithoutControl = 20;

interface Asked {
  fetch: { id: string };
  outcome: OutcomeKind;
}

/** @throws what a known good detail fails with as well; an Error where 20 conversations fail and nothing was ever had. */
export async function confirmFailures(context: Context, batch: Asked[], signal: AbortSignal): Promise<void> {
  const failed = batch.flatMap(({ fetch, outcome }) => (isRefused(outcome) ? [{ id: fetch.id, ...outcome }] : []));
  const last = failed.at(-1);
  if (last === undefined) return;
  if (failed.length < batch.length && failed.every(({ perhapsAll }) => !perhapsAll)) return;

  const ids = failed.map(({ id }) => id);
  const had = batch.filter(({ outcome }) => outcome.kind !== 'gone' && !isRefused(outcome));
  const controls =
    had.length > 0
      ? had.slice(-mostControls).map(({ fetch }) => fetch.id)
      : await context.store.controls(ids, context.api.now(), mostControls);
  let trouble: unknown;
  for (const id of controls) {
    const outcome = await context.api.detail(id, controlBytes, signal);
    // A 404 tells neither: it may have been deleted.
    if (outcome.kind === 'found' || outcome.kind === 'tooLarge') return;
    if (outcome.kind === 'failed') trouble ??= outcome.cause;
  }
  if (trouble !== undefined) throw trouble;
  const others = await context.store.quarantined(ids);
  if (failed.length + others >= mostWithoutControl) throw new Error('no detail can be had', { cause: last.cause });
}

/** Not where a detail was had and cannot be stored. */
function isRefused(outcome: OutcomeKind): outcome is Failed {
  return outcome.kind === 'failed' && !(outcome.cause instanceof Unstorable);
}
