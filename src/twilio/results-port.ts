// The API's results as src/sync sees them: what it refuses, and what stands in the way of one page or one result, as the
// errors that the program decides by.

import { ListingFailed } from '../sync/model.ts';
import { type Named, type ResultItem, type ResultsApi, ResultsRefused, WalkExpired } from '../sync/result-model.ts';
import type { OperatorResult } from './decode.ts';
import {
  FilterIgnored,
  isRangeSpecific,
  NotFound,
  Refused,
  TokenExpired,
  Unauthorized,
  Unavailable,
  Unreachable,
} from './errors.ts';
import type { NameList, Results } from './results.ts';

const megabyte = 1_000_000;
/** One result, decoded. */
const limitBytes = 16 * megabyte;

/** Makes the port of sync/result-model.ts. */
export function createResultsPort(results: Results): ResultsApi {
  return {
    async *pages(filter, token, signal, most) {
      let from = token;
      // Much hangs on a refusal: it is believed the second time.
      for (let refusals = 0; ; ) {
        try {
          for await (const { items, bad, nextToken } of results.pages(filter, {
            signal,
            token: from,
            ...(most !== undefined && { most }),
          })) {
            from = nextToken;
            refusals = 0;
            yield {
              items: items.map(itemOf),
              bad: bad.map(({ id, raw, reason }) => ({ id, conversationId: conversationOf(raw), reason })),
              nextToken,
            };
          }
          return;
        } catch (error) {
          const translated = translate(error, filter.conversationId === undefined && from === null);
          refusals += 1;
          if (!(translated instanceof ResultsRefused) || translated.why === 'filterIgnored' || refusals > 1)
            throw translated;
        }
      }
    },
    async one(conversationId, id, signal) {
      const found = await results.result(id, limitBytes, signal);
      if (found.kind === 'tooLarge')
        return { kind: 'failed', error: `the result is larger than ${limitBytes / megabyte} MB` };
      if (found.kind === 'failed') return { kind: 'failed', error: found.error };
      if (found.kind === 'gone') return { kind: 'gone' };
      const item = itemOf(found.result);
      if (item.conversationId === conversationId) return { kind: 'found', item };
      return { kind: 'failed', error: 'the result is of another conversation' };
    },
    operators: (signal) => names(() => results.operators(signal)),
    configurations: (signal) => names(() => results.configurations(signal)),
  };
}

function itemOf({ id, conversationId, dateCreated, raw }: OperatorResult): ResultItem {
  return { id, conversationId, createdAt: dateCreated, raw };
}

function conversationOf(raw: unknown): string | null {
  const id = typeof raw === 'object' && raw !== null && 'conversationId' in raw ? raw.conversationId : null;
  return typeof id === 'string' && id !== '' && !id.includes('\0') && id.isWellFormed() ? id : null;
}

async function names(read: () => Promise<NameList>): Promise<Named[] | null> {
  try {
    return (await read()).items;
  } catch (error) {
    const translated = translate(error, true);
    if (translated instanceof ResultsRefused) return null;
    throw translated;
  }
}

/** `wholeAccount`: nothing was asked for but the first page of the whole list, so that a refusal is of all results. */
function translate(error: unknown, wholeAccount: boolean): unknown {
  if (error instanceof TokenExpired) return new WalkExpired(error.message, { cause: error });
  if (error instanceof FilterIgnored) return new ResultsRefused('filterIgnored', error.message, { cause: error });
  if (error instanceof Unauthorized && error.status === 403)
    return new ResultsRefused('forbidden', error.messageForOne('result'), { cause: error });
  if (wholeAccount && (error instanceof Refused || error instanceof NotFound) && error.status >= 400)
    return new ResultsRefused('needsConversation', error.message, { cause: error });
  // Conversations may be answered all the same: what is everybody's trouble ends the pass with the next of their requests.
  if (error instanceof Unauthorized) return new ListingFailed(error.messageForOne('result'), { cause: error });
  return isRangeSpecific(error) || isOfOneRequest(error)
    ? new ListingFailed(messageOf(error), { cause: error })
    : error;
}

function isOfOneRequest(error: unknown): boolean {
  if (error instanceof Unreachable) return ['reset', 'protocol', 'timeout'].includes(error.trouble);
  return error instanceof Unavailable;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
