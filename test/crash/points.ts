// Where to kill a sync: at the n-th statement before the server has it, at its answer before the sync has that (between COMMIT
// and its answer, too), or at the n-th answer of the API. It runs within this process and is cut off: random.e2e.test.ts kills
// processes. Then everything that has to hold is held.

import { expect } from 'vitest';
import type { Exchange, TcpProxy } from '../lib/tcp-proxy.ts';
import { type Scene, Take } from './scene.ts';

export type Kind = 'statement' | 'its answer' | "the API's answer";
export const kinds: Kind[] = ['statement', 'its answer', "the API's answer"];

export interface Point {
  kind: Kind;
  n: number;
}

/** How a run goes that nobody kills. */
export interface Unharmed {
  /** How many points there are of each kind. */
  points: Record<Kind, number>;
  /** How often each detail is fetched. */
  fetched: Map<string, number>;
}

/** One run to its end, and all that has to hold after it. */
export async function runUnharmed(scene: Scene): Promise<Unharmed> {
  await using take = await Take.open(scene);
  take.toApi.reset({ onAsked: ({ text }) => take.note(text) });
  await finish(take, 'without harm');
  return {
    points: {
      statement: take.toDatabase.asked,
      'its answer': take.toDatabase.answered,
      "the API's answer": take.toApi.answered,
    },
    fetched: take.fetched,
  };
}

/** Kills a run at a point and starts it once more. @returns whether it came to that point at all. */
export async function killAt(scene: Scene, { kind, n }: Point, unharmed: Unharmed): Promise<boolean> {
  await using take = await Take.open(scene);
  const reached = Promise.withResolvers<string>();
  const strike = (exchange: Exchange) => {
    if (exchange.n !== n) return;
    take.freeze();
    reached.resolve(exchange.text);
  };
  const script: TcpProxy['script'] = kind === 'statement' ? { onAsked: strike } : { onAnswered: strike };
  const onAsked = ({ text }: Exchange) => take.note(text);
  if (kind === "the API's answer") take.toApi.reset({ onAsked, ...script });
  else {
    take.toDatabase.reset(script);
    take.toApi.reset({ onAsked });
  }
  const victim = take.startHere();
  const where = await Promise.race([reached.promise, victim.ended.then(() => null)]);
  if (where !== null) await victim.kill();
  const { code, output } = await victim.ended;
  if (where === null) expect({ code, output }).toMatchObject({ code: 0 });
  await restarted(take, unharmed, `killed at ${kind} ${n}: ${where}`);
  return where !== null;
}

/** Starts once more after a kill, and holds everything. */
export async function restarted(take: Take, unharmed: Unharmed, what: string): Promise<void> {
  await take.mend();
  const halves = await take.halves();
  const stored = await take.storedDetails();
  const fetchedBefore = new Map(take.fetched);
  await finish(take, what);
  const tooOften = [...take.fetched].filter(([id, times]) => times > (unharmed.fetched.get(id) ?? 0) + 1);
  // What is as it was when the process died was stored, and need not have been fetched once more.
  const now = await take.storedDetails();
  const needless = [...take.fetched.keys()].filter(
    (id) => take.fetched.get(id) !== fetchedBefore.get(id) && stored.has(id) && stored.get(id) === now.get(id),
  );
  expect({ what, halves, tooOften, needless }).toEqual({ what, halves: [], tooOften: [], needless: [] });
}

/** A run to its end, after which the database is equal to the source. */
async function finish(take: Take, what: string): Promise<void> {
  const { code, output } = await take.startHere().ended;
  expect({ what, code, output }).toMatchObject({ code: 0 });
  expect({ what, differences: await take.differences() }).toEqual({ what, differences: [] });
  const { rows } = await take.client.query(
    'select sweep, cursor from twilio_sync.windows where completed_at is null union all select reason, due_at from twilio_sync.due where due_at < now() union all select reason, due_at from twilio_sync.results_due where due_at < now() union all select kind, started_at from twilio_sync.results_walks where ended_at is null',
  );
  expect({ what, left: rows }).toEqual({ what, left: [] });
}
