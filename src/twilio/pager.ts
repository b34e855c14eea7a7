// Pages of any of the API's lists, from the first page or from a token to the last. `walk` follows the tokens and ends
// with an error if a list is endless. A pager asks for the largest pages that the server accepts: if it refuses a size,
// that page and all later ones are asked for in a smaller size.

import { BadAnswer, Refused, TokenExpired } from './errors.ts';

/** A page of any list. */
export interface AnyPage {
  items: readonly { id: string }[];
  bad: readonly { id: string | null }[];
  /** null on the last page. */
  nextToken: string | null;
}

export interface WalkOptions {
  signal: AbortSignal;
  pageSize?: number;
  /** Starts at the page of this token, which an earlier page of the same query gave. Default: the first page. */
  token?: string | null;
  /** False where the consumer will most likely stop early: each page is requested only when it is asked for. */
  ahead?: boolean;
}

export interface PagerOptions<Asked, Page> {
  /** Reads a list in pages of one size. */
  walk(query: Asked, options: WalkOptions): AsyncGenerator<Page>;
  /** The most items asked for in a page. Default: as many as the API's reference allows. */
  largest?: number | undefined;
  /** Called with what was found out about the server, for the log. */
  onNews(message: string, fields: Record<string, unknown>): void;
}

export interface Pager<Asked, Page> {
  /** The pages of a list, by default of the size in use. Throws what `walk` throws. */
  pages(
    query: Asked,
    signal: AbortSignal,
    size?: number,
    rest?: Pick<WalkOptions, 'token' | 'ahead'>,
  ): AsyncGenerator<Page>;
  /** Items asked for in a page. */
  readonly size: number;
  /** A page was too large for memory: use much smaller ones from now on. */
  shrink(): void;
  /** Pages have become small: ask for twice as many items, up to what the server accepts. */
  grow(): void;
}

/** The largest that the API's reference allows. */
const largestPage = 1000;
/** From there down to its default. If one is refused, the next is tried. */
const sizes = [largestPage, 500, 200, 100, 50];
/** A list is endless after so many pages in a row with nothing new. A server may send a few empty ones. */
const maxIdlePages = 20;
const maxIds = 20_000;

export function createPager<Asked, Page>({
  walk: walkPages,
  largest = largestPage,
  onNews,
}: PagerOptions<Asked, Page>): Pager<Asked, Page> {
  let inUse = largest;
  /** The largest size that was answered. If it is refused now, the reason is another one, though perhaps not the next time. */
  let accepted = 0;

  async function* pages(
    query: Asked,
    signal: AbortSignal,
    asked = inUse,
    { token = null, ahead = true }: Pick<WalkOptions, 'token' | 'ahead'> = {},
  ): AsyncGenerator<Page> {
    let refusal: unknown;
    for (const pageSize of [asked, ...sizes.filter((each) => each < asked)]) {
      let answered = false;
      try {
        for await (const page of walkPages(query, { signal, pageSize, token, ahead })) {
          answered = true;
          if (refusal !== undefined) {
            onNews('smaller pages are asked for', { pageSize });
            largest = pageSize;
            inUse = pageSize;
            refusal = undefined;
          }
          accepted = Math.max(accepted, pageSize);
          yield page;
        }
        return;
      } catch (error) {
        // If the first page asked for has a token, the refusal may be about the size or about the token.
        const perhapsSize = error instanceof TokenExpired ? token !== null && !answered : error instanceof Refused;
        if (!perhapsSize || (error as Refused | TokenExpired).status < 400) throw error;
        refusal ??= error;
        if (pageSize > accepted) continue;
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
    grow() {
      inUse = Math.min(largest, inUse * 2);
    },
  };
}

/** Follows the tokens, by default one page ahead of the consumer. Leaving early aborts the page that is being fetched. @throws BadAnswer for an endless list. */
export async function* walk<Page extends AnyPage>(
  { signal: given, token: from = null, ahead = true }: WalkOptions,
  fetch: (token: string | null, signal: AbortSignal) => Promise<Page>,
): AsyncGenerator<Page, void, undefined> {
  const left = new AbortController();
  const signal = AbortSignal.any([given, left.signal]);
  const tokens = new Set<string | null>([from]);
  const ids = new Set<string | null>();
  let idle = 0;
  try {
    let started: Promise<Page> | null = null;
    for (let token = from; ; ) {
      const current: Page = await (started ?? fetch(token, signal));
      const { nextToken } = current;
      // Forgetting keeps memory bounded on the list of a whole account.
      if (ids.size > maxIds) ids.clear();
      const before = ids.add(null).size;
      for (const { id } of [...current.items, ...current.bad]) ids.add(id);
      idle = ids.size > before ? 0 : idle + 1;
      if (nextToken !== null && idle >= maxIdlePages) {
        throw new BadAnswer('list', [`items: ${idle} pages in a row have nothing new, so the list would never end`]);
      }
      if (nextToken !== null && tokens.has(nextToken)) {
        throw new BadAnswer('list', ['meta.nextToken: was given before, so the list would never end']);
      }
      if (nextToken !== null) tokens.add(nextToken);
      started = ahead && nextToken !== null ? fetch(nextToken, signal) : null;
      // An error is thrown when the consumer asks for the page.
      started?.catch(() => undefined);
      yield current;
      if (nextToken === null) return;
      token = nextToken;
    }
  } finally {
    left.abort(new Error('the consumer stopped'));
  }
}
