// Walks over the list with the largest pages that the server takes: one that is refused is asked for again in smaller ones,
// and so is everything after it.

import type { Query } from './bounds.ts';
import type { Client } from './client.ts';
import type { Page } from './decode.ts';
import { Refused } from './errors.ts';

export interface PagerOptions {
  client: Client;
  /** What every list request is filtered by. */
  filters: Query;
  /** What was found out about the server. */
  onNews(message: string, fields: Record<string, unknown>): void;
}

export interface Pager {
  /** Pages of a walk, of the size in use unless another is given. Throws like Client.pages. */
  pages(query: Query, signal: AbortSignal, size?: number): AsyncGenerator<Page>;
  /** How many items a page is asked for. */
  readonly size: number;
  /** A page was too large to be held: much smaller ones from now on. */
  shrink(): void;
}

/** The largest that the API's reference allows, down to its default: a refused one is followed by the next. */
const sizes = [1000, 500, 200, 100, 50];

/** Makes one for a client. */
export function createPager({ client, filters, onNews }: PagerOptions): Pager {
  let inUse = 1000;
  /** The largest that was answered. A refusal of one that is no larger has another reason, but perhaps not the next time. */
  let taken = 0;

  async function* pages(query: Query, signal: AbortSignal, asked = inUse): AsyncGenerator<Page> {
    let refusal: Refused | undefined;
    for (const size of [asked, ...sizes.filter((each) => each < asked)]) {
      try {
        for await (const page of client.pages([...filters, ...query], { signal, pageSize: size })) {
          if (refusal !== undefined) {
            onNews('smaller pages are asked for', { pageSize: size });
            inUse = size;
            refusal = undefined;
          }
          taken = Math.max(taken, size);
          yield page;
        }
        return;
      } catch (error) {
        if (!(error instanceof Refused) || error.status < 400) throw error;
        refusal ??= error;
        if (size > taken) continue;
        taken = 0;
        break;
      }
    }
    throw refusal;
  }

  return {
    pages,
    get size() {
      return inUse;
    },
    shrink() {
      inUse = Math.max(1, Math.floor(inUse / 8));
    },
  };
}
