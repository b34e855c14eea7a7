// The API as the program sees it (sync/ports.ts): a stretch of createdAt in, the conversations that belong to it out.
// Bounds are asked a second wide of the stretch, since whether they include equality is not known, and every item is
// held against them. Where no lower bound is honoured, reading stops early only while items come newest first.

import { secondsOf, type Timestamp } from '../lib/timestamp.ts';
import { type Api, type Listed, ListingFailed, type Outcome, type Stretch } from '../sync/ports.ts';
import { type BoundName, Bounds, beforeAnything, type Query } from './bounds.ts';
import type { Client } from './client.ts';
import type { ListItem, Page } from './decode.ts';
import {
  ApiError,
  BadAnswer,
  NoDate,
  Refused,
  TokenExpired,
  TooLarge,
  Unauthorized,
  Unavailable,
  Unreachable,
} from './errors.ts';

export interface ListingOptions {
  client: Client;
  /** What every list request is filtered by. */
  filters: Query;
  /** The names that may be tried, in this order. */
  names: BoundName[];
  /** What was found out about the server. */
  onNews(message: string, fields: Record<string, unknown>): void;
}

const hour = 3_600;
const day = 24 * hour;
const largestPage = 1000;
/** So many items in a row newest first, and the order is believed. */
const enoughInOrder = 20;

/** Makes the port. */
export function createListing({ client, filters, names, onNews }: ListingOptions): Api {
  const bounds = new Bounds(names);
  const order = new NewestFirst(() =>
    onNews('the list is not newest first: without a lower bound it is read to its end', {}),
  );
  let pageSize = largestPage;
  let sounded = false;

  const now = () => {
    const seconds = client.now();
    if (seconds === undefined) throw new NoDate();
    return seconds;
  };
  const pages = (query: Query, signal: AbortSignal, size = pageSize) =>
    client.pages([...filters, ...query], { signal, pageSize: size });

  async function* list(stretch: Stretch, status: string | null, signal: AbortSignal): AsyncGenerator<Listed> {
    const asked = { from: stretch.from - 1, to: stretch.to + 1 };
    const wanted: Query = status === null || filters.some(([name]) => name === 'status') ? [] : [['status', status]];
    const belongs = ({ createdAt }: ListItem) => {
      const at = secondsOf(createdAt);
      return at >= stretch.from && at < stretch.to;
    };
    // A name that is disproved on the way is given up, and the stretch listed again under the next one.
    for (let name = bounds.name, again = true; again; name = bounds.name) {
      again = false;
      const see = order.walk();
      for await (const { items, bad } of pages([...bounds.query(asked), ...wanted], signal)) {
        see(items.map(({ createdAt }) => createdAt));
        const broken = new Set(items.map((item) => bounds.check(item, asked, name)));
        if (broken.has('lower')) onNews('the lower bound is ignored', { name });
        yield { items: items.filter(belongs), bad };
        if (broken.has('upper')) onNews('the upper bound is ignored', { name, next: bounds.name });
        again = bounds.name !== name;
        if (again) break;
        const last = items.at(-1);
        if (!bounds.hasLower && order.believed && last !== undefined && secondsOf(last.createdAt) < asked.from) break;
      }
    }
  }

  /** Any item the account has: on the unbounded list's first page, or, at first, anywhere under any name. */
  async function findWitness(start: number, signal: AbortSignal): Promise<ListItem[]> {
    const troubles: unknown[] = [];
    const firstItems = async (asked: AsyncIterable<Page>) => {
      const found = await readFirstItems(asked);
      if (Array.isArray(found)) return found;
      troubles.push(found.trouble);
      return null;
    };
    const unbounded = await firstItems(pages([], signal, 50));
    if ((unbounded ?? []).length > 0 || sounded) return unbounded ?? [];
    // A server that would not show everything still tells the time, when asked for next to nothing.
    for (const name of names) {
      if (client.now() === undefined) await firstItems(pages(bounds.query(beforeAnything, name), signal, 1));
    }
    // Where every request failed, that is the reason. A name of the bound may be refused on top of it.
    if (client.now() === undefined && troubles.length > names.length) {
      throw troubles.find((trouble) => !(trouble instanceof Refused)) ?? troubles[0];
    }
    for (const name of names) {
      let span = 30 * day;
      for (let to = now() + 1; to > start; ) {
        const from = Math.max(start, to - span);
        const found = await firstItems(pages(bounds.query({ from, to }, name), signal, 1));
        if (found !== null && found.length > 0) return found;
        // Too much for the server, perhaps: less is asked for, and what was asked is asked again.
        if (found === null && span > hour) span = Math.floor(span / 4);
        else to = from;
      }
    }
    sounded = true;
    return [];
  }

  return {
    now,
    get selective() {
      return bounds.hasUpper && (bounds.hasLower || !order.disproved);
    },
    get bounded() {
      return bounds.name !== null;
    },
    async proveBounds(start, signal) {
      if (bounds.settled) return;
      const items = await findWitness(start, signal);
      const [witness] = items;
      // Empty under every name: the account is empty, and there is nothing to prove it by.
      if (witness === undefined) return;
      order.walk()(items.map(({ createdAt }) => createdAt));
      await bounds.prove(witness, now(), (query, walkSignal) => pages(query, walkSignal), signal);
      onNews('bounds of createdAt', {
        name: bounds.name ?? 'none',
        upperBound: bounds.hasUpper,
        lowerBound: bounds.hasLower,
      });
    },
    async *list(stretch, status, signal) {
      try {
        yield* list(stretch, status, signal);
      } catch (error) {
        if (error instanceof TooLarge) pageSize = Math.max(1, Math.floor(pageSize / 8));
        throw mayDoInPart(error) ? new ListingFailed(messageOf(error), { cause: error }) : error;
      }
    },
    detail: (id, limitBytes, signal) => fetchDetail(client, id, limitBytes, signal),
  };
}

/** Whether items come newest first: asked of every page, believed after enough of them, given up for good at the first that does not. */
class NewestFirst {
  disproved = false;
  #inOrder = 0;
  readonly #onDisproved: () => void;

  constructor(onDisproved: () => void) {
    this.#onDisproved = onDisproved;
  }

  get believed(): boolean {
    return !this.disproved && this.#inOrder >= enoughInOrder;
  }

  /** Begins with a list's first page; the result is told each page's times. Several walks may be under way at once. */
  walk(): (times: Timestamp[]) => void {
    let last: Timestamp | null = null;
    return (times) => {
      for (const time of times) {
        if (last !== null && time > last && !this.disproved) {
          this.disproved = true;
          this.#onDisproved();
        }
        if (last !== null && time < last) this.#inOrder += 1;
        last = time;
      }
    };
  }
}

/** The first page that shows anything, or why the server would not, or could not, say. */
async function readFirstItems(pages: AsyncIterable<Page>): Promise<ListItem[] | { trouble: unknown }> {
  try {
    for await (const { items } of pages) if (items.length > 0) return items;
    return [];
  } catch (error) {
    if (mayDoInPart(error)) return { trouble: error };
    throw error;
  }
}

/** What a shorter stretch, smaller pages or a fresh walk may get around; everything else is the pass's trouble. */
function mayDoInPart(error: unknown): boolean {
  if (error instanceof Unavailable) return error.status !== 429;
  return (
    error instanceof TokenExpired || error instanceof BadAnswer || error instanceof TooLarge || error instanceof Refused
  );
}

async function fetchDetail(client: Client, id: string, limitBytes: number, signal: AbortSignal): Promise<Outcome> {
  try {
    const found = await client.detail(id, { signal, limitBytes });
    return found === undefined ? { kind: 'gone' } : { kind: 'found', ...found };
  } catch (error) {
    if (error instanceof TooLarge) return { kind: 'tooLarge' };
    if (isPassTrouble(error)) throw error;
    return {
      kind: 'failed',
      error: error instanceof Unauthorized ? error.ofOne : messageOf(error),
      cause: error,
      perhapsAll: isPerhapsAll(error),
    };
  }
}

/** What happens before the request is sent to anybody, or is no answer at all: an abort, a fault of our own. */
function isPassTrouble(error: unknown): boolean {
  if (error instanceof Unreachable) return !['reset', 'protocol', 'timeout'].includes(error.trouble);
  // An id that no URL can hold is a RangeError.
  return !(error instanceof ApiError || error instanceof RangeError);
}

/** One conversation may answer so, but so may every one: a key is revoked, a limit used up, a server gone. */
function isPerhapsAll(error: unknown): boolean {
  if (error instanceof Unavailable) return error.status === 429;
  return error instanceof Unauthorized || (error instanceof Unreachable && error.trouble === 'reset');
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
