// What has to be known before anything is listed: the API's time, and one item that it has, to prove bounds by. Both are
// asked for as cheaply as may be, and an API that gives neither ends the asking with the reason.

import { day, hour } from '../lib/duration.ts';
import type { BoundName, Bounds, Query } from './bounds.ts';
import { beforeAnything } from './bounds.ts';
import type { Client } from './client.ts';
import type { ListItem, Page } from './decode.ts';
import { BadAnswer, mayDoInPart, Refused, TimeUnknown } from './errors.ts';

export interface WitnessParts {
  client: Client;
  bounds: Bounds;
  /** The names that may be tried, in this order. */
  names: BoundName[];
  pages: (query: Query, signal: AbortSignal, size: number) => AsyncIterable<Page>;
}

export interface Witness {
  /** The API's clock, whole seconds. @throws TimeUnknown. */
  now(): number;
  /** Asks until the API's answers agree on the time. @throws TimeUnknown, or why nothing was answered. */
  askTime(signal: AbortSignal): Promise<void>;
  /** Any item the account has: on the unbounded list's first page, or, at first, anywhere under any name. @throws why nothing was answered. */
  find(start: number, signal: AbortSignal): Promise<ListItem[]>;
}

const mostSpan = 30 * day;
/** Enough for three that agree among some that do not, and for ten that move the clock. */
const mostTimesAsked = 12;
/** Under one name: enough to come down from a month to an hour, and to pass an hour that cannot be listed. */
const mostFailures = 8;

/** Makes it for one client. */
export function createWitness({ client, bounds, names, pages }: WitnessParts): Witness {
  let sounded = false;

  function now(): number {
    const seconds = client.now();
    if (seconds === undefined) throw new TimeUnknown(client.clockState());
    return seconds;
  }

  /** Asks for next to nothing; `troubles` are of requests that failed already. */
  async function askTime(signal: AbortSignal, troubles: unknown[] = []): Promise<void> {
    // While the names are not settled some may be refused, and so may a list without bounds.
    const queries = bounds.settled
      ? [bounds.query(beforeAnything)]
      : [...names.map((name) => bounds.query(beforeAnything, name)), []];
    let answered = false;
    for (let asked = 0; asked < mostTimesAsked && !client.clockState().settled; asked += 1) {
      const found = await firstItems(pages(queries[asked % queries.length] ?? [], signal, 1));
      if (Array.isArray(found)) answered = true;
      else troubles.push(found.trouble);
      // Where every request failed, that is the reason. A name of the bound may be refused on top of it.
      if (answered || troubles.length <= names.length) continue;
      if (client.now() === undefined) throw mainTrouble(troubles);
      return;
    }
    now();
  }

  async function find(start: number, signal: AbortSignal): Promise<ListItem[]> {
    const unbounded = await firstItems(pages([], signal, 50));
    if (Array.isArray(unbounded) && (unbounded.length > 0 || sounded)) return unbounded;
    const troubles = Array.isArray(unbounded) ? [] : [unbounded.trouble];
    await askTime(signal, troubles);
    let isSounded = false;
    for (const name of names) {
      const found = await soundOut(name, start, signal);
      if (Array.isArray(found) && found.length > 0) return found;
      if (Array.isArray(found)) isSounded = true;
      else troubles.push(found.trouble);
    }
    if (!isSounded && !Array.isArray(unbounded)) throw mainTrouble(troubles);
    sounded = true;
    return [];
  }

  /** Anything since `start` that a name of the bound shows, newest first. */
  async function soundOut(name: BoundName, start: number, signal: AbortSignal): Promise<Found> {
    let span = mostSpan;
    let failures = 0;
    for (let to = now() + 1; to > start; ) {
      const from = Math.max(start, to - span);
      const found = await firstItems(pages(bounds.query({ from, to }, name), signal, 1));
      if (Array.isArray(found)) {
        if (found.length > 0) return found;
        to = from;
        span = Math.min(mostSpan, span * 4);
        continue;
      }
      failures += 1;
      // An answer that cannot be used is no better for less; too much for the server is asked for again in part.
      if (failures >= mostFailures || found.trouble instanceof BadAnswer) return found;
      if (span > hour) span = Math.floor(span / 4);
      else to = from;
    }
    return [];
  }

  return { now, askTime: (signal) => askTime(signal), find };
}

type Found = ListItem[] | { trouble: unknown };

/** The first page that shows anything, or why the server would not, or could not, say. */
async function firstItems(pages: AsyncIterable<Page>): Promise<Found> {
  try {
    for await (const { items } of pages) if (items.length > 0) return items;
    return [];
  } catch (error) {
    if (mayDoInPart(error)) return { trouble: error };
    throw error;
  }
}

function mainTrouble(troubles: unknown[]): unknown {
  return troubles.find((trouble) => !(trouble instanceof Refused)) ?? troubles[0];
}
