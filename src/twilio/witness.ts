// What must be known before anything is listed: the API's time, and one existing item (the witness) to prove the bounds on.
// Both are asked for as cheaply as possible. If the API gives neither, the reason is thrown.

import { day, hour } from '../lib/duration.ts';
import type { BoundName, Bounds, Query } from './bounds.ts';
import { beforeAnything } from './bounds.ts';
import type { Client } from './client.ts';
import type { ListItem, Page } from './decode.ts';
import { BadAnswer, isRangeSpecific, Refused, TimeUnknown } from './errors.ts';

export interface WitnessParts {
  client: Client;
  bounds: Bounds;
  /** The names to try, in this order. */
  names: BoundName[];
  pages: (query: Query, signal: AbortSignal, size: number) => AsyncIterable<Page>;
}

export interface Witness {
  /** The API's clock, whole seconds. @throws TimeUnknown. */
  now(): number;
  /** Asks until the API's answers agree on the time. @throws TimeUnknown, or why nothing was answered. */
  askTime(signal: AbortSignal): Promise<void>;
  /** Any item of the account: from the first page of the list without bounds, or, the first time, from any range under any name. @throws why nothing was answered. */
  find(start: number, signal: AbortSignal): Promise<ListItem[]>;
}

const maxSpan = 30 * day;
/** Enough for three answers that agree among some that do not, and for the ten that move the clock. */
const maxTimeRequests = 12;
/** Under one name: enough to get from a month down to an hour, and past an hour that cannot be listed. */
const maxFailures = 8;

export function createWitness({ client, bounds, names, pages }: WitnessParts): Witness {
  let searchedAll = false;

  function now(): number {
    const seconds = client.now();
    if (seconds === undefined) throw new TimeUnknown(client.clockState());
    return seconds;
  }

  /** Asks for as little as possible. `troubles`: errors of requests that failed before. */
  async function askTime(signal: AbortSignal, troubles: unknown[] = []): Promise<void> {
    // As long as no name is proved, some may be refused, and so may a list without bounds.
    const queries = bounds.settled
      ? [bounds.query(beforeAnything)]
      : [...names.map((name) => bounds.query(beforeAnything, name)), []];
    let answered = false;
    for (let asked = 0; asked < maxTimeRequests && !client.clockState().settled; asked += 1) {
      const found = await firstItems(pages(queries[asked % queries.length] ?? [], signal, 1));
      if (Array.isArray(found)) answered = true;
      else troubles.push(found.trouble);
      // If every request failed, that is the reason. A name may be refused in addition.
      if (answered || troubles.length <= names.length) continue;
      if (client.now() === undefined) throw mainTrouble(troubles);
      return;
    }
    now();
  }

  async function find(start: number, signal: AbortSignal): Promise<ListItem[]> {
    const unbounded = await firstItems(pages([], signal, 50));
    if (Array.isArray(unbounded) && (unbounded.length > 0 || searchedAll)) return unbounded;
    const troubles = Array.isArray(unbounded) ? [] : [unbounded.trouble];
    await askTime(signal, troubles);
    let searched = false;
    for (const name of names) {
      const found = await searchUnder(name, start, signal);
      if (Array.isArray(found) && found.length > 0) return found;
      if (Array.isArray(found)) searched = true;
      else troubles.push(found.trouble);
    }
    if (!searched && !Array.isArray(unbounded)) throw mainTrouble(troubles);
    searchedAll = true;
    return [];
  }

  /** The newest item since `start` that one name shows. */
  async function searchUnder(name: BoundName, start: number, signal: AbortSignal): Promise<Found> {
    let span = maxSpan;
    let failures = 0;
    for (let to = now() + 1; to > start; ) {
      const from = Math.max(start, to - span);
      const found = await firstItems(pages(bounds.query({ from, to }, name), signal, 1));
      if (Array.isArray(found)) {
        if (found.length > 0) return found;
        to = from;
        span = Math.min(maxSpan, span * 4);
        continue;
      }
      failures += 1;
      // A shorter range does not make an unusable answer usable; it does help if the range was too much for the server.
      if (failures >= maxFailures || found.trouble instanceof BadAnswer) return found;
      if (span > hour) span = Math.floor(span / 4);
      else to = from;
    }
    return [];
  }

  return { now, askTime: (signal) => askTime(signal), find };
}

type Found = ListItem[] | { trouble: unknown };

/** The items of the first page that has any, or why the server did not answer. */
async function firstItems(pages: AsyncIterable<Page>): Promise<Found> {
  try {
    for await (const { items } of pages) if (items.length > 0) return items;
    return [];
  } catch (error) {
    if (isRangeSpecific(error)) return { trouble: error };
    throw error;
  }
}

function mainTrouble(troubles: unknown[]): unknown {
  return troubles.find((trouble) => !(trouble instanceof Refused)) ?? troubles[0];
}
