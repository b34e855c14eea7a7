// What `/readyz` answers: what the worker is at and the database's vitals in, ready or not out, with the reason. Pure. The
// first that holds is said, and what is the matter with the database goes first: all else rests on it.

import type { Readiness } from '../server/http.ts';
import { sayDuration } from './format.ts';
import type { Work } from './health.ts';
import type { Hindrances } from './pulse.ts';
import type { Standing } from './standing.ts';
import type { Vitals } from './vitals.ts';

/** Judges it. */
export function judgeReadiness(
  { doing, heldBy, failing, migrating, tickLimitMs }: Work,
  vitals: Vitals | undefined,
): Readiness {
  const not = (reason: string): Readiness => ({ ready: false, reason });
  // Meanwhile the tables may be locked: that the database does not answer is no reason of its own.
  if (migrating !== undefined) return not(migrating);
  if (vitals === undefined) return not(failing ?? 'starting');
  const { trouble, reached, pulse } = vitals;
  // That a migration is missing is one thing; why it could not be applied says more.
  if (trouble !== undefined) return not((reached ? failing : undefined) ?? trouble);
  // A replica that stands by is as it should be: it would take over.
  if (doing === 'standing by') return { ready: true, reason: `standing by for ${heldBy}` };
  if (failing !== undefined) return not(failing);
  if (doing === 'starting' || pulse === undefined) return not('starting');
  const { lastTickAge, pending } = pulse;
  if (lastTickAge === null) return not('nothing was listed yet');
  if (lastTickAge * 1000 > tickLimitMs) return not(`the last complete tick was ${sayDuration(lastTickAge)} ago`);
  return pending['backfill'] === undefined ? { ready: true } : { ready: true, reason: 'catching up' };
}

/**
 * The same standing, but out of sync where the last complete tick is too old: what `/readyz` says of a worker's own, for
 * who asks the database alone. Where no worker runs, that goes before whatever a pass has met.
 */
export function judgeAge<Known extends Standing>(standing: Known, isTooOld: (ageSeconds: number) => boolean): Known {
  const { lastTickSecondsAgo: age, lastTickAt, worker, state } = standing;
  if (age === null || !isTooOld(age) || (worker !== null && state === 'out_of_sync')) return standing;
  const reason =
    worker === null
      ? `no worker has listed for ${sayDuration(age)}`
      : `the last complete tick was ${sayDuration(age)} ago`;
  return { ...standing, state: 'out_of_sync', since: lastTickAt, reason };
}

/** What stands in the way, in the words of `status`; undefined for nothing. */
export function describeHindrances({ failing, braked }: Hindrances): string | undefined {
  const reasons = [
    ...braked.map(
      ({ sweep, expected, missing }) =>
        `the deletion brake holds: ${missing} of ${expected} conversations were not listed (${sweep})`,
    ),
    ...failing.map(({ error }) => `a stretch cannot be listed: ${error}`),
  ];
  const [first, ...more] = new Set(reasons);
  return more.length === 0 ? first : `${first}; and ${more.length} more`;
}
