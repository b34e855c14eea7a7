// Operator results that neither the newest part of the list nor a walk has shown: asked for by id or by conversation. And how
// any results are stored: what cannot be stored is in quarantine by itself.

import { mapAhead } from '../lib/ahead.ts';
import type { Context } from './context.ts';
import { ListingFailed, Unstorable } from './model.ts';
import {
  type BadResult,
  type ResultDue,
  type ResultItem,
  type ResultLoad,
  type ResultsApi,
  ResultsRefused,
  type ResultsStore,
  WalkExpired,
} from './result-model.ts';

/** If more of one conversation are due, they are requested by its list. */
const maxById = 3;
const conversationsAtOnce = 32;
/** After so many failures in a row, the others wait for the next pass. */
const maxFailures = 20;

/** What of all that is due: of these conversations alone, and what is not tried yet so many seconds early. */
export interface DueOptions {
  ids?: string[];
  earlySeconds?: number;
}

/** Asks for what is due by now, by id or by conversation. @throws what stops a whole pass, LeaseLost. */
export async function fetchResultsDue(context: Context, signal: AbortSignal, options: DueOptions = {}): Promise<void> {
  if (context.results === null) return;
  const { api, store } = context.results;
  let failures = 0;
  while (failures < maxFailures) {
    if ((await store.head()).refused !== null) return;
    const due = await store.dueAt(context.api.now(), conversationsAtOnce, options);
    if (due.length === 0) return;
    const groups = [...Map.groupBy(due, ({ conversationId }) => conversationId).values()];
    const loads: ResultLoad[] = [];
    const fetched = mapAhead(each(groups), conversationsAtOnce, (group) => fetchGroup(api, group, signal));
    for await (const load of fetched) {
      loads.push(load);
      const { items, gone = [], failed = [] } = load;
      failures = items.length + gone.length > 0 ? 0 : failures + failed.length;
    }
    await storeResults(context, store, {
      items: loads.flatMap(({ items }) => items),
      gone: loads.flatMap(({ gone = [] }) => gone),
      failed: loads.flatMap(({ failed = [] }) => failed),
      served: due,
      foundBy: 'request',
    });
  }
}

/** Stores a load; what Postgres refuses of it, or no rows can be made of, is in quarantine by itself. */
export async function storeResults(context: Context, store: ResultsStore, load: ResultLoad): Promise<void> {
  const tryLoad = async (part: ResultLoad): Promise<Unstorable | null> => {
    try {
      context.counts.results += await store.load(part, context.api.now());
      return null;
    } catch (error) {
      if (error instanceof Unstorable) return error;
      throw error;
    }
  };
  const refusedAmong = async (items: ResultItem[]): Promise<BadResult[]> => {
    const error = await tryLoad({ items, foundBy: load.foundBy });
    const [first] = items;
    if (error === null || first === undefined) return [];
    if (items.length === 1) return [{ id: first.id, conversationId: first.conversationId, reason: error.message }];
    const half = Math.ceil(items.length / 2);
    return [...(await refusedAmong(items.slice(0, half))), ...(await refusedAmong(items.slice(half)))];
  };
  const error = await tryLoad(load);
  if (error !== null) {
    const refused = await refusedAmong(load.items);
    // One that was asked for fails once more, and waits longer.
    const asked = new Map(load.served?.map((due) => [`${due.conversationId} ${due.id}`, due]));
    const failed = [...(load.failed ?? [])];
    const bad = [...(load.bad ?? [])];
    for (const each of refused) {
      const due = asked.get(`${each.conversationId} ${each.id}`);
      if (due === undefined) bad.push(each);
      else failed.push({ due, error: each.reason });
    }
    const again = await tryLoad({ ...load, items: [], bad, failed });
    if (again !== null) throw again;
  }
  context.watcher.stored(context.counts);
}

async function* each<T>(values: T[]): AsyncGenerator<T> {
  yield* values;
}

/** Asks for the results of one conversation that are due. */
async function fetchGroup(api: ResultsApi, group: ResultDue[], signal: AbortSignal): Promise<ResultLoad> {
  const [{ conversationId = '' } = {}] = group;
  const items = new Map<string, ResultItem>();
  const load: Required<Pick<ResultLoad, 'items' | 'gone' | 'failed'>> = { items: [], gone: [], failed: [] };
  // Not of one result, but of whatever the conversation's list shows.
  const late = group.find(({ reason }) => reason === 'late' || reason === 'asked');
  const isLong = late !== undefined || group.length > maxById;
  const listing = isLong ? await listConversation(api, conversationId, items, signal) : null;
  if (late !== undefined && listing === 'failed')
    load.failed.push({ due: late, error: 'the results of the conversation cannot be listed' });
  for (const due of group.filter((each) => each !== late && !items.has(each.id))) {
    const outcome = await api.one(conversationId, due.id, signal);
    if (outcome.kind === 'found') items.set(due.id, outcome.item);
    else if (outcome.kind === 'failed') load.failed.push({ due, error: outcome.error });
    else load.gone.push(due);
  }
  // What its conversation names and nobody has is gone only where the conversation's list does not have it either.
  if (listing === null && load.gone.some(({ reason }) => reason === 'linked'))
    await listConversation(api, conversationId, items, signal);
  return {
    items: [...items.values()],
    gone: load.gone.filter(({ id }) => !items.has(id)),
    failed: load.failed.filter(({ due }) => !items.has(due.id)),
    foundBy: 'request',
  };
}

/** Puts all results of a conversation into `items`. `refused`: the API does not list by conversation, and another try is of no use. */
async function listConversation(
  api: ResultsApi,
  conversationId: string,
  items: Map<string, ResultItem>,
  signal: AbortSignal,
): Promise<'listed' | 'failed' | 'refused'> {
  try {
    for await (const page of api.pages({ conversationId }, null, signal))
      for (const item of page.items) items.set(item.id, item);
    return 'listed';
  } catch (error) {
    // Each is asked for by its own id then.
    if (error instanceof ResultsRefused) return 'refused';
    if (error instanceof ListingFailed || error instanceof WalkExpired) return 'failed';
    throw error;
  }
}
