// The API as src/sync sees it: a range of createdAt in, the conversations that belong to it out. Each request asks one
// second beyond both ends, since it is not known whether a bound includes equality, and every item is compared with what
// was asked. If the server honours no lower bound, reading stops early only while items come newest first.

import { secondsOf, type Timestamp } from '../lib/timestamp.ts';
import type { Api } from '../sync/context.ts';
import { type Failed, type Listed, ListingFailed, type Outcome, type TimeRange } from '../sync/model.ts';
import { type BoundName, Bounds, type Query } from './bounds.ts';
import type { Client, DetailOptions } from './client.ts';
import type { ListItem, Page } from './decode.ts';
import { ApiError, isRangeSpecific, TooLarge, Unauthorized, Unavailable, Unreachable } from './errors.ts';
import { createPager } from './pager.ts';
import { createWitness } from './witness.ts';

export interface ListingOptions {
  client: Client;
  /** The filters of every list request. */
  filters: Query;
  /** The names to try, in this order. */
  names: BoundName[];
  /** The most items of a page, if not as many as the API allows. */
  largestPage?: number | undefined;
  /** Called with what was found out about the server, for the log. */
  onNews(message: string, fields: Record<string, unknown>): void;
  /** Called with the result of each check of the bounds. */
  onBounds?(bounds: HonouredBounds): void;
}

/** Which bounds the server honours; `name` is null if none. */
export interface HonouredBounds {
  name: BoundName | null;
  upper: boolean;
  lower: boolean;
}

/** After so many items newest first, the list counts as ordered. */
const enoughInOrder = 20;

export function createListing({ client, filters, names, largestPage, onNews, onBounds }: ListingOptions): Api {
  const bounds = new Bounds(names);
  const order = new NewestFirst(() =>
    onNews('the list is not newest first: without a lower bound it is read to its end', {}),
  );
  const pager = createPager<Query, Page>({
    walk: (query, options) => client.pages([...filters, ...query], options),
    largest: largestPage,
    onNews,
  });
  const { pages } = pager;
  const witness = createWitness({ client, bounds, names, pages });

  async function* list(
    range: TimeRange,
    status: string | null,
    signal: AbortSignal,
    pageSize: number,
  ): AsyncGenerator<Listed> {
    const asked = { from: range.from - 1, to: range.to + 1 };
    const wanted: Query = status === null || filters.some(([name]) => name === 'status') ? [] : [['status', status]];
    const belongs = ({ createdAt }: ListItem) => {
      const at = secondsOf(createdAt);
      return at >= range.from && at < range.to;
    };
    const isAsked = (createdAt: Timestamp) => {
      const at = secondsOf(createdAt);
      return at >= asked.from && at <= asked.to;
    };
    // If a name is disproved on the way, the range is listed again under the next one.
    for (let name = bounds.name, again = true; again; name = bounds.name) {
      again = false;
      const checkOrder = order.walk();
      for await (const { items, bad } of pages([...bounds.query(asked), ...wanted], signal, pageSize)) {
        const times = items.map(({ createdAt }) => createdAt);
        checkOrder(times);
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

  async function findBounds(start: number, signal: AbortSignal): Promise<void> {
    const items = await witness.find(start, signal);
    const [item] = items;
    // Empty under every name: the account is empty, and nothing can be proved.
    if (item === undefined) return;
    order.walk()(items.map(({ createdAt }) => createdAt));
    const now = async () => {
      await witness.askTime(signal);
      return witness.now();
    };
    await bounds.prove(item, now, pages, signal);
    const { name, hasUpper: upper, hasLower: lower } = bounds;
    onNews('bounds of createdAt', { name: name ?? 'none', upperBound: upper, lowerBound: lower });
    onBounds?.({ name, upper, lower });
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
      if (!bounds.settled) await findBounds(start, signal);
      await witness.askTime(signal);
    },
    async *list(range, status, signal, otherPages = false) {
      try {
        yield* list(range, status, signal, otherPages ? Math.ceil(pager.size * 0.6) : pager.size);
      } catch (error) {
        if (error instanceof TooLarge) pager.shrink();
        throw isRangeSpecific(error) ? new ListingFailed(messageOf(error), { cause: error }) : error;
      }
    },
    detail: (id, limitBytes, signal, options) => fetchDetail(client, id, { ...options, limitBytes, signal }),
  };
}

/** Whether items come newest first: checked on every page, believed after enough items, given up for good at the first exception. */
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

  /** Starts at a list's first page; call the result with each page's times. Several walks may run at once. */
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

async function fetchDetail(client: Client, id: string, options: DetailOptions): Promise<Outcome> {
  try {
    const found = await client.detail(id, options);
    return found === undefined ? { kind: 'gone' } : { kind: 'found', ...found };
  } catch (error) {
    return outcomeOf(error, 'conversation');
  }
}

/** What an error means for the one conversation or result that was asked for. @throws an error that fails the pass. */
export function outcomeOf(error: unknown, what: 'conversation' | 'result'): { kind: 'tooLarge' } | Failed {
  if (error instanceof TooLarge) return { kind: 'tooLarge' };
  if (isPassError(error)) throw error;
  return {
    kind: 'failed',
    error: error instanceof Unauthorized ? error.messageForOne(what) : messageOf(error),
    cause: error,
    perhapsAll: mayAffectAll(error),
  };
}

/** An error before the request reached anybody, or one that is not about an answer: an abort, a bug of ours. */
function isPassError(error: unknown): boolean {
  if (error instanceof Unreachable) return !['reset', 'protocol', 'timeout'].includes(error.trouble);
  // An id that no URL can hold is a RangeError.
  return !(error instanceof ApiError || error instanceof RangeError);
}

/** An error that may be this conversation's alone, or everyone's: a revoked key, a used-up limit, a dead server. */
function mayAffectAll(error: unknown): boolean {
  if (error instanceof Unavailable) return error.status === 429;
  return error instanceof Unauthorized || (error instanceof Unreachable && error.trouble === 'reset');
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
