// Reads the list with the largest pages that the server accepts. If it refuses a size, that page and all later ones are
// asked for in a smaller size.

import type { Query } from './bounds.ts';
import type { Client } from './client.ts';
import type { Page } from './decode.ts';
import { Refused } from './errors.ts';

export interface PagerOptions {
  client: Client;
  /** The filters of every list request. */
  filters: Query;
  /** Called with what was found out about the server, for the log. */
  onNews(message: string, fields: Record<string, unknown>): void;
}

export interface Pager {
  /** The pages of a list, by default of the size in use. Throws like Client.pages. */
  pages(query: Query, signal: AbortSignal, size?: number): AsyncGenerator<Page>;
  /** Items asked for in a page. */
  readonly size: number;
  /** A page was too large for memory: use much smaller ones from now on. */
  shrink(): void;
}

/** From the largest that the API's reference allows down to its default. If one is refused, the next is tried. */
const sizes = [1000, 500, 200, 100, 50];

export function createPager({ client, filters, onNews }: PagerOptions): Pager {
  let inUse = 1000;
  /** The largest size that was answered. If it is refused now, the reason is another one, though perhaps not the next time. */
  let accepted = 0;

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
          accepted = Math.max(accepted, size);
          yield page;
        }
        return;
      } catch (error) {
        if (!(error instanceof Refused) || error.status < 400) throw error;
        refusal ??= error;
        if (size > accepted) continue;
        accepted = 0;
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
