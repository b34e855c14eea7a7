// Verifies the operator results of some conversations: each conversation's list, or else each of its results by id, compared
// with what is stored. What a tick or a due request will bring by itself is told from drift. Names no value.

import { mapAhead } from '../lib/ahead.ts';
import { secondsOf } from '../lib/timestamp.ts';
import type { Context } from './context.ts';
import { ListingFailed } from './model.ts';
import { type ResultItem, type ResultsApi, ResultsRefused, type ResultsStore, WalkExpired } from './result-model.ts';

export interface ResultFinding {
  kind: 'drift' | 'changed' | 'quarantined' | 'unverified';
  where: string[];
  /** What was found, result by result. If a second look finds the same, nothing has changed meanwhile. */
  evidence: string;
}

const conversationsAtOnce = 32;
/** A result that was made this recently may still be on its way. */
const recentSeconds = 1_200;

/** @returns how many results were compared, and what was found by conversation. @throws what stops a whole pass. */
export async function verifyResults(
  context: Context,
  ids: string[],
  signal: AbortSignal,
): Promise<{ checked: number; found: Map<string, ResultFinding> }> {
  const found = new Map<string, ResultFinding>();
  if (context.results === null || ids.length === 0) return { checked: 0, found };
  const { api, store } = context.results;
  const { refused, whole } = await store.head();
  if (refused !== null) return { checked: 0, found };
  const items: ResultItem[] = [];
  const read: string[] = [];
  const answers = mapAhead(each(ids), conversationsAtOnce, (id) => readResults(api, store, id, signal));
  for await (const { id, results, error } of answers) {
    if (error !== null) found.set(id, { kind: 'unverified', where: [error], evidence: '' });
    else {
      read.push(id);
      items.push(...results);
    }
  }
  const isRecent = recently(items, context.api.now());
  const differing = await store.compare(read, items);
  for (const [id, differences] of Map.groupBy(differing, ({ conversationId }) => conversationId)) {
    const kinds = differences.map(({ resultId, due }) => {
      if (due === 'failed') return 'quarantined';
      return due === 'due' || !whole || isRecent(id, resultId) ? 'changed' : 'drift';
    });
    const kind = (['drift', 'quarantined'] as const).find((each) => kinds.includes(each)) ?? 'changed';
    const where = [...new Set(differences.map(({ place }) => place))];
    found.set(id, {
      kind,
      where,
      evidence: JSON.stringify(differences.map(({ resultId, place }) => [resultId, place])),
    });
  }
  return { checked: items.length, found };
}

async function* each<T>(values: T[]): AsyncGenerator<T> {
  yield* values;
}

function recently(items: ResultItem[], now: number): (conversationId: string, id: string) => boolean {
  const recent = items.filter(({ createdAt }) => secondsOf(createdAt) > now - recentSeconds);
  const keys = new Set(recent.map(({ conversationId, id }) => JSON.stringify([conversationId, id])));
  return (...key) => keys.has(JSON.stringify(key));
}

interface Read {
  id: string;
  results: ResultItem[];
  /** Why they could not all be read. */
  error: string | null;
}

async function readResults(api: ResultsApi, store: ResultsStore, id: string, signal: AbortSignal): Promise<Read> {
  const results: ResultItem[] = [];
  try {
    for await (const { items, bad } of api.pages({ conversationId: id }, null, signal)) {
      results.push(...items);
      const [first] = bad;
      if (first !== undefined) return { id, results, error: first.reason };
    }
    return { id, results, error: null };
  } catch (error) {
    if (error instanceof ResultsRefused && error.why === 'forbidden') return { id, results, error: error.message };
    if (!(error instanceof ResultsRefused || error instanceof ListingFailed || error instanceof WalkExpired))
      throw error;
  }
  return await readByIds(api, store, id, signal);
}

async function readByIds(api: ResultsApi, store: ResultsStore, id: string, signal: AbortSignal): Promise<Read> {
  const results: ResultItem[] = [];
  for (const resultId of await store.idsOf(id)) {
    const outcome = await api.one(id, resultId, signal);
    if (outcome.kind === 'failed') return { id, results, error: outcome.error };
    if (outcome.kind === 'found') results.push(outcome.item);
  }
  return { id, results, error: null };
}
