// The program's two ports with someone watching: what the API answered and what was loaded is noted, and at an answer or
// a load of one's choice something is done first. What passes through is not altered.

import type { Json } from '../../src/lib/json.ts';
import type { Api, Context, Store } from '../../src/sync/context.ts';
import type { Change, Checkpoint, TimeRange } from '../../src/sync/model.ts';
import type { ResultsApi, ResultsStore } from '../../src/sync/result-model.ts';

export interface Watch {
  /** Before an answer is handed to the program. */
  answered(): Promise<void>;
  /** A stretch was listed to its last page. */
  listed(stretch: TimeRange, ids: string[]): void;
  delivered(id: string, raw: Json): void;
  /** Before a load; what comes back is called while it runs. */
  loading(): Promise<() => Promise<void>>;
  /** A load was committed, and its answer came. */
  loaded(changes: Change[], mark: Checkpoint | null): void;
}

const watched = new WeakSet<Context>();

/** Puts a watch over a context's ports; once. */
export function watch(context: Context, on: Watch): Context {
  if (watched.has(context)) return context;
  watched.add(context);
  context.api = watchedApi(context.api, on);
  context.store = watchedStore(context.store, on);
  if (context.results !== null) {
    const { api, store } = context.results;
    context.results = { api: watchedResults(api, on), store: watchedResultsStore(store, on) };
  }
  return context;
}

function watchedApi(api: Api, on: Watch): Api {
  return {
    now: () => api.now(),
    get selective() {
      return api.selective;
    },
    get bounded() {
      return api.bounded;
    },
    proveBounds: (start, signal) => api.proveBounds(start, signal),
    async *list(stretch, status, signal) {
      const ids: string[] = [];
      for await (const page of api.list(stretch, status, signal)) {
        await on.answered();
        ids.push(...page.items.map(({ id }) => id));
        yield page;
      }
      on.listed(stretch, ids);
    },
    async detail(id, limitBytes, signal) {
      const outcome = await api.detail(id, limitBytes, signal);
      if (outcome.kind === 'found') on.delivered(id, outcome.detail.raw);
      await on.answered();
      return outcome;
    },
  };
}

function watchedResults(api: ResultsApi, on: Watch): ResultsApi {
  return {
    ...api,
    async *pages(filter, token, signal, most) {
      for await (const page of api.pages(filter, token, signal, most)) {
        await on.answered();
        yield page;
      }
    },
    async one(conversationId, id, signal) {
      const outcome = await api.one(conversationId, id, signal);
      await on.answered();
      return outcome;
    },
  };
}

function watchedResultsStore(store: ResultsStore, on: Watch): ResultsStore {
  return {
    ...store,
    async load(load, now) {
      const meanwhile = await on.loading();
      const [loaded] = await Promise.all([store.load(load, now), meanwhile()]);
      on.loaded([], null);
      return loaded;
    },
  };
}

function watchedStore(store: Store, on: Watch): Store {
  return {
    ...store,
    async load(changes, mark, now) {
      const meanwhile = await on.loading();
      const [loaded] = await Promise.all([store.load(changes, mark, now), meanwhile()]);
      on.loaded(changes, mark);
      return loaded;
    },
  };
}
