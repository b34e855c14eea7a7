// Details wanted without a listing: what follows from each outcome of a fetch, and when. Pure; times are whole seconds.
// Everything that is due for a conversation is decided anew with each of its fetches.

import { day, hour, minute } from '../lib/duration.ts';
import { storableText } from '../lib/storable.ts';
import { secondsOf } from '../lib/timestamp.ts';
import type { Detail } from '../twilio/decode.ts';
import { noted } from './fingerprint.ts';
import type { Due, DueReason, DueRow, ExpectedFromList, Fetch, Item, Outcome } from './model.ts';

const communications = 'communications';

const days = [1, 2, 4, 8, 16, 30].map((count) => count * day);

/** How long after each attempt the next one comes; after the last, what is there is the truth, or the last wait repeats. */
const waits = {
  // The detail lags behind its list item: what it shows after these is the truth.
  behind: [2, 10, 60],
  // Listed, but 404: perhaps only late, perhaps deleted and still listed.
  absent: [2, 10, 60, ...days],
  // Stored, not listed, and still there: most likely the filter no longer shows it.
  missing: days,
  // Stored as open, not listed as open, and still open.
  open: [minute, 10 * minute, hour, 6 * hour, day],
  failed: [minute, 5 * minute, 30 * minute, 2 * hour, 8 * hour, day],
} satisfies Partial<Record<DueReason, number[]>>;

export interface Verdict {
  /** The detail found is to be stored. */
  store: boolean;
  /** Gone from the API by two keys: not listed, and 404. */
  deleted: boolean;
  /** What is due from now on. */
  due: Due[];
}

/** What follows from an outcome. `refreshSeconds`: how long after closing a detail is fetched once more. */
export function judge(fetch: Fetch, outcome: Outcome, now: number, refreshSeconds: number[]): Verdict {
  switch (outcome.kind) {
    case 'found':
      return afterFound(fetch, outcome.detail, now, refreshSeconds);
    case 'gone':
      return afterGone(fetch, now);
    case 'failed':
      return { store: false, deleted: false, due: afterFailure(fetch, outcome.error, now) };
    case 'tooLarge':
      return { store: false, deleted: false, due: afterFailure(fetch, 'the detail is too large', now) };
  }
}

/** Due a while after an upgrade: spread over a day by the conversation's own fingerprint, never all at once. */
export function dueForUpgrade(item: Item, now: number): Due {
  const spread = Number.parseInt(Buffer.from(item.fingerprint, 'base64url').toString('hex', 0, 4), 16) % day;
  return { ...fresh(item.id, 'upgrade', now), dueAt: now + spread };
}

/** Due at once, because rows of it were lost. */
export function dueForMending({ id, createdFrom }: Item, now: number): Due {
  return { ...fresh(id, 'mend', now), createdFrom };
}

/** A list item that can never be fetched since it has no usable id: kept in sight under a hash of it. */
export function dueForBadItem(bad: Pick<Due, 'id' | 'error' | 'fingerprint' | 'createdFrom'>, now: number): Due {
  return { ...fresh(bad.id, 'failed', now), ...bad, dueAt: Number.POSITIVE_INFINITY, attempts: 1 };
}

/** What a list item, or an earlier one, showed and the detail does not; null where the detail is no older. */
export function shortfall(wants: ExpectedFromList, detail: Detail): ExpectedFromList | null {
  const has = detail.raw['operatorResultIds'];
  // As they are stored: what is wanted may come from there.
  const results = new Set(Array.isArray(has) ? has.map((id) => storableText(String(id))) : []);
  const lacking = {
    updatedAt: wants.updatedAt !== null && (detail.updatedAt ?? '') < wants.updatedAt ? wants.updatedAt : null,
    operatorResultIds: wants.operatorResultIds.filter((id) => !results.has(storableText(id))),
    arrays: wants.arrays.filter((name) => !Array.isArray(detail.raw[name])),
  };
  return lacking.updatedAt === null && lacking.operatorResultIds.length + lacking.arrays.length === 0 ? null : lacking;
}

function afterFound(fetch: Fetch, detail: Detail, now: number, refreshSeconds: number[]): Verdict {
  const due: Due[] = [];
  const behind = find(fetch, 'behind');
  const wants = fetch.item === null ? behind?.wants : withCommunications(fetch.item.wants);
  const lacking = wants ? shortfall(wants, detail) : null;
  // A newer list item begins the waits anew.
  const attempts = fetch.item === null ? (behind?.attempts ?? 0) : 0;
  const tryAgain = lacking !== null && attempts < (isPromised(lacking) ? waits.behind.length : 1);
  if (tryAgain) due.push({ ...again(fetch, 'behind', attempts, now), wants: lacking });

  const status = detail.raw['status'];
  const refreshAt = status === 'CLOSED' ? nextRefresh(detail, now, refreshSeconds) : null;
  if (refreshAt !== null) due.push({ ...fresh(fetch.id, 'closed', now), dueAt: refreshAt });

  // Still there though a listing did not show it: asked again after growing waits, until a listing does.
  if (fetch.item === null) {
    const missing = find(fetch, 'missing');
    if (missing) due.push(again(fetch, 'missing', missing.attempts, now));
    const open = find(fetch, 'open');
    if (open && (status === 'ACTIVE' || status === 'INACTIVE')) due.push(again(fetch, 'open', open.attempts, now));
  }
  // An older answer than the list's may also be older than what is stored: the stored version stays meanwhile.
  const older = tryAgain && fetch.stored && lacking.updatedAt !== null;
  return { store: !older, deleted: false, due };
}

function afterGone(fetch: Fetch, now: number): Verdict {
  const unlisted = fetch.item === null && find(fetch, 'missing') !== undefined;
  if (unlisted) return { store: false, deleted: true, due: [] };
  // Asked for by a person and never seen here: there is nothing to keep in sight.
  const unknown = fetch.item === null && !fetch.stored && fetch.due.every(({ reason }) => reason === 'asked');
  if (unknown) return { store: false, deleted: false, due: [] };
  return { store: false, deleted: false, due: [again(fetch, 'absent', find(fetch, 'absent')?.attempts ?? 0, now)] };
}

function afterFailure(fetch: Fetch, error: string, now: number): Due[] {
  const failed = again(fetch, 'failed', find(fetch, 'failed')?.attempts ?? 0, now);
  // What it was due for besides is still wanted, with the next attempt; what is listed is no longer missing.
  const kept = fetch.due.filter(
    ({ reason }) => keptByFailures[reason] ?? (reason === 'missing' && fetch.item === null),
  );
  return [{ ...failed, error }, ...kept.map((each) => ({ ...each, dueAt: Math.max(each.dueAt, failed.dueAt) }))];
}

/** Reasons that say something which the fetch after a failed one has to know. */
const keptByFailures: Partial<Record<DueReason, true>> = { absent: true, behind: true, asked: true, mend: true };

/** No list item shows communications, so nothing promises them; a detail without the array is asked for once more all the same. */
function withCommunications(wants: ExpectedFromList): ExpectedFromList {
  return { ...wants, arrays: [...wants.arrays, communications] };
}

function isPromised({ updatedAt, operatorResultIds, arrays }: ExpectedFromList): boolean {
  return updatedAt !== null || operatorResultIds.length > 0 || arrays.some((name) => name !== communications);
}

/** The first of the instants after closing that lies ahead; those before this fetch are served by it. */
function nextRefresh(detail: Detail, now: number, refreshSeconds: number[]): number | null {
  const closedAt = secondsOf(detail.updatedAt ?? detail.createdAt);
  const ahead = refreshSeconds.map((seconds) => closedAt + seconds).filter((at) => at > now);
  return ahead.length === 0 ? null : Math.min(...ahead);
}

function find(fetch: Fetch, reason: DueReason): DueRow | undefined {
  return fetch.due.find((each) => each.reason === reason);
}

function fresh(id: string, reason: DueReason, now: number): Due {
  return {
    id,
    reason,
    dueAt: now,
    attempts: 0,
    firstAt: now,
    error: null,
    fingerprint: null,
    wants: null,
    createdFrom: null,
  };
}

function again(fetch: Fetch, reason: keyof typeof waits, attempts: number, now: number): Due {
  const before = find(fetch, reason);
  const listedBefore = fetch.due.find(({ createdFrom }) => createdFrom !== null);
  const wait = waits[reason][Math.min(attempts, waits[reason].length - 1)] ?? day;
  return {
    ...fresh(fetch.id, reason, now),
    firstAt: before?.firstAt ?? now,
    fingerprint: fetch.item === null ? (before?.fingerprint ?? null) : noted(fetch.item.fingerprint),
    createdFrom: fetch.item?.createdFrom ?? listedBefore?.createdFrom ?? null,
    attempts: attempts + 1,
    dueAt: now + wait,
  };
}
