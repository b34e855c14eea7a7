// A fetched detail in, its part of a load out, made as soon as the detail is there: while other details are on their way
// and the batch before it is loaded. The body is let go of; only its rows, fingerprints and what is due are kept.

import type { JsonObject } from '../lib/json.ts';
import type { Context } from './context.ts';
import { judge } from './due.ts';
import type { Fetched } from './fetch.ts';
import { fingerprint } from './fingerprint.ts';
import { type Change, type Fetch, type Outcome, type OutcomeKind, Unstorable } from './model.ts';
import { normalize, normalizerVersion } from './normalize.ts';

export interface Prepared {
  kind: 'prepared';
  fetch: Fetch;
  outcome: OutcomeKind;
  change: Change;
  /** What the body took, and counts for until it is loaded. */
  bytes: number;
}

/** Prepares an outcome for loading; a detail that no rows can be made of has failed. */
export function prepare(context: Context, { fetch, outcome, bytes, request }: Fetched): Prepared {
  try {
    const result: OutcomeKind = outcome.kind === 'found' ? { kind: 'found' } : outcome;
    const prepared = { ...change(context, fetch, outcome), request };
    return { kind: 'prepared', fetch, outcome: result, change: prepared, bytes };
  } catch (error) {
    if (!(error instanceof Unstorable)) throw error;
    return unstorable(context, fetch, request, error, bytes);
  }
}

/** What becomes of a conversation whose detail was had and cannot be stored. */
export function unstorable(context: Context, fetch: Fetch, request: number, cause: Unstorable, bytes = 0): Prepared {
  const outcome: Outcome = { kind: 'failed', error: cause.message, cause, perhapsAll: false };
  return prepare(context, { kind: 'fetched', fetch, outcome, bytes, request });
}

function change(context: Context, fetch: Fetch, outcome: Outcome): Omit<Change, 'request'> {
  const { store, deleted, due } = judge(fetch, outcome, context.api.now(), context.settings.refreshSeconds);
  const found = outcome.kind === 'found' && store ? outcome.detail : null;
  return {
    id: fetch.id,
    rows: found && context.store.pack(normalize(found)),
    stored: fetch.stored,
    listed: fetch.item !== null,
    item: fetch.item?.fingerprint ?? (found && itemFingerprint(found.raw)),
    detail: found && `${normalizerVersion}.${fingerprint(found.raw)}`,
    deleted,
    force: fetch.due.some(({ reason }) => reason === 'asked' || reason === 'upgrade' || reason === 'mend'),
    served: fetch.due.map(({ number }) => number),
    due,
  };
}

/** What the list will show of a detail, if nothing changes and the list is as the reference has it. */
function itemFingerprint({ communications: _left, ...item }: JsonObject): string {
  return fingerprint(item);
}
