// The one sentence that matters: how things stand in, words out. What the database says is joined by what this process
// knows of itself, where there is one; the page and the terminal say the same.

import type { Readiness } from '../server/http.ts';
import { sayEstimate, sayInstant, sayShare } from './format.ts';
import type { Standing } from './standing.ts';

export interface Headline {
  tone: 'good' | 'busy' | 'bad';
  title: string;
  /** Why, where something is wrong. */
  reason: string | null;
  /** Whether the copy is as fresh as `listedUpTo` says, so that its age belongs to the title. */
  fresh: boolean;
  /** Further sentences. */
  notes: string[];
}

/** What a process knows besides the database. */
export interface OwnView {
  readiness: Readiness;
  /** Why the database could not be asked just now. */
  databaseTrouble: string | null;
}

/** Says it. `standing`: the last that is known, null where nothing is. */
export function headlineOf(standing: Standing | null, own?: OwnView): Headline {
  const wrong = (title: string, reason: string | null, notes: string[] = []): Headline => {
    return { tone: 'bad', title, reason, fresh: false, notes };
  };
  const standsBy = own?.readiness.ready === true && own.readiness.reason?.startsWith('standing by') === true;
  const notes = standsBy ? [`This replica is ${own.readiness.reason}, and would take over.`] : [];
  if (own?.databaseTrouble != null) return wrong('The database cannot be used', own.databaseTrouble, notes);
  if (standing === null) return { tone: 'busy', title: 'Starting', reason: null, fresh: false, notes };
  if (standing.state === 'out_of_sync') return wrong('Out of sync', standing.reason, [...failing(standing), ...notes]);
  if (own?.readiness.ready === false && !beginning.has(own.readiness.reason ?? ''))
    return wrong('Out of sync', own.readiness.reason ?? null, notes);
  if (standing.state === 'empty') {
    const reason = standing.worker === null ? 'No worker is at it.' : 'The first listing is under way.';
    return { tone: 'busy', title: 'Nothing is stored yet', reason: null, fresh: false, notes: [reason, ...notes] };
  }
  if (standing.state === 'loading')
    return { tone: 'busy', title: loading(standing), reason: null, fresh: false, notes };
  return { tone: 'good', title: 'In sync', reason: null, fresh: true, notes: [...well(standing), ...notes] };
}

/** What `/readyz` says of a process that has only just begun: nothing is wrong with that. */
const beginning: ReadonlySet<string> = new Set(['starting', 'nothing was listed yet']);

function loading({ progress, worker }: Standing): string {
  if (progress === null) return 'Loading history';
  const done = `Loading history: ${sayShare(progress.done)}`;
  if (worker === null) return `${done}, and no worker is at it`;
  return progress.secondsLeft === null ? done : `${done}, about ${sayEstimate(progress.secondsLeft)} left`;
}

function failing({ since, at }: Standing): string[] {
  return since === null ? [] : [`No pass has gone well since ${sayInstant(since, at)}.`];
}

function well({ since, at, worker }: Standing): string[] {
  const passes = since === null ? [] : [`Every pass has gone well since ${sayInstant(since, at)}.`];
  return worker === null ? [...passes, 'No worker is running.'] : passes;
}
