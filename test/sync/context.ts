// What a part of the program carries along, for tests that run it by itself: the ports are what a test fills in.

import { noFilters } from '../../src/config/config.ts';
import { type Api, type Context, createContext, type Store } from '../../src/sync/context.ts';
import { keepEverything } from '../../src/sync/keep.ts';
import { noMask } from '../../src/sync/mask.ts';
import type { Sweep } from '../../src/sync/model.ts';

export const day = 86_400;
export const now = 1_780_000_000;
export const start = now - 100 * day;

/** A port of which a test fills in what is to be asked; anything else that is asked fails it. */
export function portOf<Port extends object>(name: string, given: Partial<Port>): Port {
  return new Proxy(given, {
    get(target, property) {
      if (property in target) return Reflect.get(target, property);
      throw new Error(`${name}.${String(property)} was asked for`);
    },
  }) as Port;
}

export interface Given {
  api?: Partial<Api>;
  settings?: Partial<Context['settings']>;
  openFromStart?: boolean;
  bounded?: boolean;
  store?: Partial<Store>;
  requested?: Sweep[];
}

/** A context in which nothing may be asked of the ports but what is given. */
export function contextOf({
  settings,
  openFromStart = false,
  bounded = true,
  api = {},
  store = {},
  requested = [],
}: Given = {}): Context {
  const context = createContext({
    api: portOf<Api>('api', { now: () => now, bounded, ...api }),
    store: portOf<Store>('store', store),
    settings: {
      history: start,
      start,
      lookbackSeconds: 3 * day,
      refreshSeconds: [],
      maxConcurrency: 32,
      status: null,
      filters: noFilters,
      mask: noMask,
      generation: 1,
      allowMassDelete: false,
      keep: keepEverything,
      eraseBefore: null,
      memoryBytes: Number.POSITIVE_INFINITY,
      ...settings,
    },
    watcher: { stored() {}, completed() {}, async recentDone() {}, warn() {} },
  });
  context.requests = { sweeps: new Set(requested), openFromStart, names: false };
  context.learned.spans = { all: day, open: day };
  return context;
}
