// The API as the program sees it (sync/context.ts): a stretch of createdAt in, the conversations that belong to it out.
// Bounds are asked a second wide of the stretch, since whether they include equality is not known, and every item is
// held against them. Where no lower bound is honoured, reading stops early only while items come newest first.

import { secondsOf, type Timestamp } from '../lib/timestamp.ts';
import type { Api } from '../sync/context.ts';
import { type Listed, ListingFailed, type Outcome, type TimeRange } from '../sync/model.ts';
import { type BoundName, Bounds, type Query } from './bounds.ts';
import type { Client } from './client.ts';
import type { ListItem } from './decode.ts';
import { ApiError, mayDoInPart, TooLarge, Unauthorized, Unavailable, Unreachable } from './errors.ts';
import { createPager } from './pager.ts';
import { createWitness } from './witness.ts';

export interface ListingOptions {
  client: Client;
  /** What every list request is filtered by. */
  filters: Query;
  /** The names that may be tried, in this order. */
  names: BoundName[];
  /** What was found out about the server. */
  onNews(message: string, fields: Record<string, unknown>): void;
}

/** So many items in a row newest first, and the order is believed. */
const enoughInOrder = 20;

/** Makes the port. */
export function createListing({ client, filters, names, onNews }: ListingOptions): Api {
  const bounds = new Bounds(names);
  const order = new NewestFirst(() =>
    onNews('the list is not newest first: without a lower bound it is read to its end', {}),
  );
  const pager = createPager({ client, filters, onNews });
  const { pages } = pager;
  const witness = createWitness({ client, bounds, names, pages });

  async function* list(
    stretch: TimeRange,
    status: string | null,
    signal: AbortSignal,
    pageSize: number,
  ): AsyncGenerator<Listed> {
    const asked = { from: stretch.from - 1, to: stretch.to + 1 };
    const wanted: Query = status === null || filters.some(([name]) => name === 'status') ? [] : [['status', status]];
    const belongs = ({ createdAt }: ListItem) => {
      const at = secondsOf(createdAt);
      return at >= stretch.from && at < stretch.to;
    };
    const isAsked = (createdAt: Timestamp) => {
      const at = secondsOf(createdAt);
      return at >= asked.from && at <= asked.to;
    };
    // A name that is disproved on the way is given up, and the stretch listed again under the next one.
    for (let name = bounds.name, again = true; again; name = bounds.name) {
      again = false;
      const see = order.walk();
      for await (const { items, bad } of pages([...bounds.query(asked), ...wanted], signal, pageSize)) {
        const times = items.map(({ createdAt }) => createdAt);
        see(times);
        const broken = new Set(items.map((item) => bounds.check(item, asked, name)));
        if (broken.has('lower')) onNews('the lower bound is ignored', { name });
        yield { items: items.filter(belongs), bad, times: times.filter(isAsked) };
        if (broken.has('upper')) onNews('the upper bound is ignored', { name, next: bounds.name });
        again = bounds.name !== name;
        if (again) break;
        const last = items.at(-1);
        if (!bounds.hasLower && order.believed && last !== undefined && secondsOf(last.createdAt) < asked.from) break;
      }
    }
  }

  async function settleBounds(start: number, signal: AbortSignal): Promise<void> {
    const items = await witness.find(start, signal);
    const [item] = items;
    // Empty under every name: the account is empty, and there is nothing to prove it by.
    if (item === undefined) return;
    order.walk()(items.map(({ createdAt }) => createdAt));
    const now = async () => {
      await witness.askTime(signal);
      return witness.now();
    };
    await bounds.prove(item, now, pages, signal);
    onNews('bounds of createdAt', {
      name: bounds.name ?? 'none',
      upperBound: bounds.hasUpper,
      lowerBound: bounds.hasLower,
    });
  }

  return {
    now: witness.now,
    get selective() {
      return bounds.hasUpper && (bounds.hasLower || !order.disproved);
    },
    get bounded() {
      return bounds.name !== null;
    },
    async proveBounds(start, signal) {
      if (!bounds.settled) await settleBounds(start, signal);
      await witness.askTime(signal);
    },
    async *list(stretch, status, signal, otherPages = false) {
      try {
        yield* list(stretch, status, signal, otherPages ? Math.ceil(pager.size * 0.6) : pager.size);
      } catch (error) {
        if (error instanceof TooLarge) pager.shrink();
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
