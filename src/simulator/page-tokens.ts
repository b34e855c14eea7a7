// Page tokens: opaque text that holds where a listing continues and a hash of its filters, so that the server only has to
// remember how often a token was used. A token that is invalid, belongs to other filters, or has expired by the switches is
// a Refusal.

import { isJsonObject, type Json } from '../lib/json.ts';
import { hashText } from '../lib/random.ts';
import type { Timestamp } from '../lib/timestamp.ts';
import type { Resume } from './listing.ts';
import type { PageQuery } from './query.ts';
import { badRequest, Refusal } from './refusal.ts';
import type { Switches } from './switches.ts';
import type { Place } from './timeline.ts';

export interface Listing extends Resume {
  /** When its first page was requested. */
  readonly startedMs: number;
}

interface TokenContent extends Listing {
  readonly serial: number;
  readonly issuedMs: number;
  readonly issuedAtRequest: number;
  readonly filters: number;
  readonly pageSize: number;
}

/** The tokens of one server. */
export class PageTokens {
  readonly #uses = new Map<number, number>();
  #serial = 0;
  #requests = 0;
  #listings = 0;

  /** Counts a list request; tokens may expire after a number of them. */
  countRequest(): number {
    this.#requests += 1;
    return this.#requests;
  }

  /** The start of a listing. */
  begin(nowMs: number): Listing {
    this.#listings += 1;
    return { row: undefined, offset: 0, shuffle: this.#listings, startedMs: nowMs };
  }

  issue(listing: Listing, query: PageQuery, nowMs: number): string {
    this.#serial += 1;
    const content: TokenContent = {
      ...listing,
      serial: this.#serial,
      issuedMs: nowMs,
      issuedAtRequest: this.#requests,
      filters: hashText(query.filters),
      pageSize: query.pageSize,
    };
    return Buffer.from(JSON.stringify(content)).toString('base64url');
  }

  /** When the listing of a token began; undefined if it is not a token. Checks nothing else. */
  startOf(token: string): number | undefined {
    return decode(token)?.startedMs;
  }

  /** Where the listing continues. Throws a Refusal. Counts as a use of the token. */
  redeem(token: string, query: PageQuery, switches: Switches, nowMs: number): Listing {
    const content = decode(token);
    if (content === undefined) throw badRequest('pageToken is not valid');
    if (content.filters !== hashText(query.filters)) throw badRequest('pageToken belongs to other filters');
    if (switches.tokenBindsPageSize && content.pageSize !== query.pageSize) {
      throw badRequest('pageToken belongs to another pageSize');
    }
    if (this.#hasExpired(content, switches, nowMs)) throw expiredToken(switches);
    return content;
  }

  #hasExpired(content: TokenContent, switches: Switches, nowMs: number): boolean {
    const { tokenUses, tokenLifetimeMs, tokenLifetimeRequests } = switches;
    if (tokenLifetimeMs !== null && nowMs - content.issuedMs > tokenLifetimeMs) return true;
    if (tokenLifetimeRequests !== null && this.#requests - content.issuedAtRequest > tokenLifetimeRequests) return true;
    if (tokenUses === null) return false;
    const uses = (this.#uses.get(content.serial) ?? 0) + 1;
    this.#uses.set(content.serial, uses);
    return uses > tokenUses;
  }
}

/** The answer to an expired token. */
export function expiredToken(switches: Switches): Refusal {
  return new Refusal(switches.tokenExpiredStatus, 20001, 'pageToken has expired');
}

function decode(token: string): TokenContent | undefined {
  let content: unknown;
  try {
    content = JSON.parse(Buffer.from(token, 'base64url').toString());
  } catch {
    return undefined;
  }
  if (!isJsonObject(content)) return undefined;
  const { row, offset, shuffle, startedMs, serial, issuedMs, issuedAtRequest, filters, pageSize } = content;
  const numbers = [offset, shuffle, startedMs, serial, issuedMs, issuedAtRequest, filters, pageSize];
  if (!numbers.every((value) => typeof value === 'number')) return undefined;
  return { ...(content as unknown as TokenContent), row: placeOf(row) };
}

function placeOf(row: Json | undefined): Place | undefined {
  if (!isJsonObject(row)) return undefined;
  const { createdAt, key } = row;
  return { createdAt: String(createdAt) as Timestamp, key: String(key) };
}
