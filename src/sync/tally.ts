// Loads and marks in, one word to whoever watches out for each window that is done: how much of it was listed and written,
// and how long that took. For one flow, which takes its windows one after another.

import type { Context } from './context.ts';
import type { Checkpoint } from './model.ts';

export interface Tally {
  /** A batch is stored: of so many conversations anything was written. */
  add(changed: number, mark: Checkpoint | null): void;
}

/** Begins to count. */
export function createTally({ watcher }: Context): Tally {
  const begin = () => ({ id: 0, listed: 0, changed: 0, startedAtMs: performance.now() });
  let window = begin();
  return {
    add(changed, mark) {
      window.changed += changed;
      if (mark === null) return;
      const { id, sweep, from, to } = mark.window;
      // One that could not be listed to its end leaves its part behind.
      if (id !== window.id) window = { ...window, id, listed: 0 };
      window.listed += mark.listed;
      if (mark.cursor > from) return;
      const ms = Math.round(performance.now() - window.startedAtMs);
      watcher.completed({ sweep, from, to, listed: window.listed, changed: window.changed, ms });
      window = begin();
    },
  };
}
