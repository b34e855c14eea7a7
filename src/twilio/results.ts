// Operator results as src/sync asks for them: pages of whole results, account-wide or filtered, from the first page or from
// a stored token; single results; all operators and configurations. If a page is too large for memory, smaller ones are
// asked for. Every page has the token of the next, from which another process can go on.

import type { Failed } from '../sync/model.ts';
import type { Client, ResultQuery } from './client.ts';
import type { BadItem, Named, OperatorResult, ResultPage } from './decode.ts';
import { TooLarge } from './errors.ts';
import { outcomeOf } from './listing.ts';
import { createPager, type Pager } from './pager.ts';

export interface ResultsOptions {
  client: Client;
  /** The most items of a page, if not as many as the API allows. */
  largestPage?: number | undefined;
  /** Called with what was found out about the server, for the log. */
  onNews(message: string, fields: Record<string, unknown>): void;
}

/** What became of asking for one result. */
export type ResultOutcome =
  | { kind: 'found'; result: OperatorResult; bytes: number }
  | { kind: 'gone' }
  | { kind: 'tooLarge' }
  | Failed;

/** A whole list of operators or configurations. */
export interface NameList {
  items: Named[];
  bad: BadItem[];
}

export interface Results {
  /**
   * All pages, each as large as the server accepts and as fits in memory, of at most
   * `most` items. With `most`, no page is requested before it is asked for.
   * @throws FilterIgnored if a page holds what was not asked for; TokenExpired if the API does not accept a token, be it
   * `token` or a later one; Refused if the server requires other filters; Unauthorized if the key may not read results.
   */
  pages(
    query: ResultQuery,
    options: { signal: AbortSignal; token?: string | null; most?: number },
  ): AsyncGenerator<ResultPage>;
  /** One result of at most `limitBytes`. @throws an error that fails the pass. */
  result(id: string, limitBytes: number, signal: AbortSignal): Promise<ResultOutcome>;
  operators(signal: AbortSignal): Promise<NameList>;
  configurations(signal: AbortSignal): Promise<NameList>;
}

export function createResults({ client, largestPage, onNews }: ResultsOptions): Results {
  const pager = createPager<ResultQuery, ResultPage>({ walk: client.results, largest: largestPage, onNews });
  const sized = createSizes(pager, onNews);
  const names = (kind: 'Operators' | 'Configurations') => {
    const list = createPager({ walk: (_: null, options) => client.names(kind, options), onNews });
    return async (signal: AbortSignal) => {
      const all: NameList = { items: [], bad: [] };
      for await (const { items, bad } of list.pages(null, signal)) {
        all.items.push(...items);
        all.bad.push(...bad);
      }
      return all;
    };
  };
  return {
    pages: sized,
    async result(id, limitBytes, signal) {
      try {
        const found = await client.result(id, { signal, limitBytes });
        return found === undefined ? { kind: 'gone' } : { kind: 'found', ...found };
      } catch (error) {
        return outcomeOf(error, 'result');
      }
    },
    operators: names('Operators'),
    configurations: names('Configurations'),
  };
}

/**
 * Adapts the size of pages to the size of results. From page to page it only shrinks, since a server may bind a token to
 * the size it was made with. It grows again when a list is read anew, if the pages of the last time were small.
 */
function createSizes(pager: Pager<ResultQuery, ResultPage>, onNews: ResultsOptions['onNews']): Results['pages'] {
  let limitBytes: number | undefined;
  let largestBytes = 0;

  return async function* pages(query, { signal, token = null, most }) {
    if (token === null) {
      if (limitBytes !== undefined && largestBytes > 0 && largestBytes < limitBytes / 4) pager.grow();
      largestBytes = 0;
    }
    for (let from = token; ; ) {
      try {
        for await (const page of pager.pages(query, signal, Math.min(pager.size, most ?? pager.size), {
          token: from,
          ahead: most === undefined,
        })) {
          largestBytes = Math.max(largestBytes, page.bytes);
          from = page.nextToken;
          yield page;
        }
        return;
      } catch (error) {
        if (!(error instanceof TooLarge) || pager.size === 1) throw error;
        limitBytes = error.limitBytes;
        pager.shrink();
        onNews('smaller pages of results are asked for', { pageSize: pager.size });
      }
    }
  };
}
