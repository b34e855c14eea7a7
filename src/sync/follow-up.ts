// Decides what follows from the outcome of a fetch: whether to store the detail, whether the conversation is deleted, and which
// due rows it gets. No side effects; times are whole seconds. Each fetch replaces all due rows of its conversation.

import { day, hour, minute } from '../lib/duration.ts';
import { storableText } from '../lib/storable.ts';
import { secondsOf } from '../lib/timestamp.ts';
import type { Detail } from '../twilio/decode.ts';
import type { Settings } from './context.ts';
import { isSynced } from './filters.ts';
import { noted } from './fingerprint.ts';
import { edgeOf } from './keep.ts';
import type { Due, DueReason, DueRow, EraseReason, ExpectedFromList, Fetch, Item, Outcome } from './model.ts';

const communications = 'communications';

const days = [1, 2, 4, 8, 16, 30].map((count) => count * day);

/** Waits between attempts. After the last one, what the API shows is stored as it is, or the last wait repeats. */
const waits = {
  // The detail lags behind its list item. After these, it is stored as it is.
  behind: [2, 10, 60],
  // Listed, but its detail answers 404: it may be late, or deleted and still listed.
  absent: [2, 10, 60, ...days],
  // Stored, not listed, but its detail exists: most likely the filters no longer show it.
  missing: days,
  // Stored as open, not listed as open, but its detail is still open.
  open: [minute, 10 * minute, hour, 6 * hour, day],
  failed: [minute, 5 * minute, 30 * minute, 2 * hour, 8 * hour, day],
  // A webhook announced what the detail does not show, or a conversation that answers 404. After these, it is let be.
  pushed: [2, 10, 60],
} satisfies Partial<Record<DueReason, number[]>>;

export interface FollowUp {
  /** The detail is to be stored. */
  store: boolean;
  /** Deleted at the API: not listed, and its detail answers 404. */
  deleted: boolean;
  /** Why all of it is to be erased. */
  erase?: EraseReason;
  /** What is due from now on. */
  due: Due[];
}

/** What the decision depends on besides: how long after closing a detail is fetched once more, and what is synced. */
export type FollowUpSettings = Pick<Settings, 'refreshSeconds' | 'filters' | 'start' | 'mask' | 'keep' | 'eraseBefore'>;

/** Decides by the outcome. */
export function decideFollowUp(given: Fetch, outcome: Outcome, now: number, settings: FollowUpSettings): FollowUp {
  const fetch = withNoted(given, settings.mask.policy);
  switch (outcome.kind) {
    case 'found':
      return afterFound(fetch, outcome.detail, now, settings);
    case 'gone':
      return afterGone(fetch, now, settings);
    case 'failed':
      return { store: false, deleted: false, due: afterFailure(fetch, outcome.error, now) };
    case 'tooLarge':
      return { store: false, deleted: false, due: afterFailure(fetch, 'the detail is too large', now) };
  }
}

/** Due rows have no column for how a fingerprint was made. */
function withNoted(fetch: Fetch, policy: string): Fetch {
  if (fetch.item === null) return fetch;
  return { ...fetch, item: { ...fetch.item, fingerprint: noted(fetch.item.fingerprint, policy) } };
}

/** Due after an upgrade, spread over a day by the conversation's fingerprint, so that not all are fetched at once. */
export function dueForUpgrade(item: Item, now: number): Due {
  const spread = Number.parseInt(Buffer.from(item.fingerprint, 'base64url').toString('hex', 0, 4), 16) % day;
  return { ...fresh(item.id, 'upgrade', now), dueAt: now + spread };
}

/** Due at once, because rows of it are lost. */
export function dueForMending({ id, createdFrom }: Item, now: number): Due {
  return { ...fresh(id, 'mend', now), createdFrom };
}

/** Records a list item without a usable id, which can never be fetched, under its hash. */
export function dueForBadItem(bad: Pick<Due, 'id' | 'error' | 'fingerprint' | 'createdFrom'>, now: number): Due {
  return { ...fresh(bad.id, 'failed', now), ...bad, dueAt: Number.POSITIVE_INFINITY, attempts: 1 };
}

/** What a list item, or an earlier one, showed and the detail does not show; null if the detail is no older. */
export function missingFromDetail(wants: ExpectedFromList, detail: Detail): ExpectedFromList | null {
  const has = detail.raw['operatorResultIds'];
  // As they are stored, since what is expected may come from a due row.
  const results = new Set(Array.isArray(has) ? has.map((id) => storableText(String(id))) : []);
  const lacking = {
    updatedAt: wants.updatedAt !== null && (detail.updatedAt ?? '') < wants.updatedAt ? wants.updatedAt : null,
    operatorResultIds: wants.operatorResultIds.filter((id) => !results.has(storableText(id))),
    arrays: wants.arrays.filter((name) => !Array.isArray(detail.raw[name])),
  };
  return lacking.updatedAt === null && lacking.operatorResultIds.length + lacking.arrays.length === 0 ? null : lacking;
}

function afterFound(fetch: Fetch, detail: Detail, now: number, settings: FollowUpSettings): FollowUp {
  if (isOnlyPushed(fetch) && !isSynced(detail, settings)) return { store: false, deleted: false, due: [] };
  if (isOver(fetch, detail, now, settings))
    return { store: false, deleted: false, due: [], ...(fetch.stored && { erase: 'SYNC_RETENTION' }) };
  const due: Due[] = [];
  const behind = find(fetch, 'behind');
  const wants = fetch.item === null ? behind?.wants : expectingCommunications(fetch.item.wants);
  const lacking = wants ? missingFromDetail(wants, detail) : null;
  // After a newer list item, the waits start again.
  const attempts = fetch.item === null ? (behind?.attempts ?? 0) : 0;
  const tryAgain = lacking !== null && attempts < (isShownByList(lacking) ? waits.behind.length : 1);
  if (tryAgain) due.push({ ...again(fetch, 'behind', attempts, now), wants: lacking });

  const pushed = find(fetch, 'pushed');
  const unseen = pushed?.wants ? missingFromDetail(pushed.wants, detail) : null;
  if (pushed && unseen !== null) due.push(...againAfterPush(fetch, { ...pushed, wants: unseen }, now));

  const status = detail.raw['status'];
  const refreshAt = status === 'CLOSED' ? nextRefresh(detail, now, settings.refreshSeconds) : null;
  if (refreshAt !== null) due.push({ ...fresh(fetch.id, 'closed', now), dueAt: refreshAt });

  // It exists, but a listing did not show it: it is fetched again after growing waits, until a listing shows it.
  if (fetch.item === null) {
    const missing = find(fetch, 'missing');
    if (missing) due.push(again(fetch, 'missing', missing.attempts, now));
    const open = find(fetch, 'open');
    if (open && isOpen(detail)) due.push(again(fetch, 'open', open.attempts, now));
  }
  if (isBefore(detail, settings.eraseBefore)) due.push({ ...fresh(fetch.id, 'old', now), dueAt: now + day });
  // A detail older than the list may also be older than what is stored: the stored version stays for now.
  const older = tryAgain && fetch.stored && lacking.updatedAt !== null;
  return { store: !older, deleted: false, due };
}

function afterGone(fetch: Fetch, now: number, { keep, eraseBefore }: FollowUpSettings): FollowUp {
  if (eraseBefore !== null && find(fetch, 'old'))
    return { store: false, deleted: false, due: [], erase: 'SYNC_RETENTION' };
  const unlisted = fetch.item === null && find(fetch, 'missing') !== undefined;
  if (unlisted) return { store: false, deleted: true, due: [], ...(keep.eraseDeleted && { erase: 'SYNC_DELETED' }) };
  // A person or a webhook named it, and it was never stored: there is nothing to follow, but a webhook may be early.
  const isNamed = ({ reason }: DueRow) => reason === 'asked' || reason === 'pushed';
  if (fetch.item === null && !fetch.stored && (fetch.due.every(isNamed) || isOnlyPushed(fetch))) {
    const pushed = find(fetch, 'pushed');
    return { store: false, deleted: false, due: pushed ? againAfterPush(fetch, pushed, now) : [] };
  }
  return { store: false, deleted: false, due: [again(fetch, 'absent', find(fetch, 'absent')?.attempts ?? 0, now)] };
}

/**
 * Whether it is kept no longer. One that is not stored need only be older than what is kept. One that is stored is kept as long as it is
 * open and changes.
 */
function isOver(fetch: Fetch, detail: Detail, now: number, { keep, eraseBefore }: FollowUpSettings): boolean {
  if (!fetch.stored) return isBefore(detail, edgeOf(keep.retentionSeconds, now));
  if (!isBefore(detail, eraseBefore)) return false;
  const isSilent = secondsOf(detail.updatedAt ?? detail.createdAt) < (eraseBefore ?? 0);
  return isSilent || !isOpen(detail);
}

const isBefore = ({ createdAt }: Detail, edge: number | null) => edge !== null && secondsOf(createdAt) < edge;

const isOpen = ({ raw }: Detail) => raw['status'] === 'ACTIVE' || raw['status'] === 'INACTIVE';

function afterFailure(fetch: Fetch, error: string, now: number): Due[] {
  const failed = again(fetch, 'failed', find(fetch, 'failed')?.attempts ?? 0, now);
  // Other reasons stay due, with the next attempt. What is listed is no longer missing.
  const kept = fetch.due.filter(
    ({ reason }) => keptAfterFailure[reason] ?? (reason === 'missing' && fetch.item === null),
  );
  return [{ ...failed, error }, ...kept.map((each) => ({ ...each, dueAt: Math.max(each.dueAt, failed.dueAt) }))];
}

/** Reasons that the fetch after a failed one has to know. */
const keptAfterFailure: Partial<Record<DueReason, true>> = {
  absent: true,
  behind: true,
  asked: true,
  mend: true,
  pushed: true,
  old: true,
};

/** Only a webhook has named it: no listing, nobody else, and it is not stored. */
function isOnlyPushed(fetch: Fetch): boolean {
  const isPushed = ({ reason, createdFrom }: DueRow) =>
    reason === 'pushed' || (reason === 'failed' && createdFrom === null);
  return fetch.item === null && !fetch.stored && find(fetch, 'pushed') !== undefined && fetch.due.every(isPushed);
}

/** The next attempt at what a webhook announced; nothing after the last. */
function againAfterPush(fetch: Fetch, { attempts, wants }: DueRow, now: number): Due[] {
  if (attempts >= waits.pushed.length) return [];
  return [{ ...again(fetch, 'pushed', attempts, now), wants, fingerprint: null, createdFrom: null }];
}

/** List items never contain communications. A detail without the array is still fetched once more. */
function expectingCommunications(wants: ExpectedFromList): ExpectedFromList {
  return { ...wants, arrays: [...wants.arrays, communications] };
}

function isShownByList({ updatedAt, operatorResultIds, arrays }: ExpectedFromList): boolean {
  return updatedAt !== null || operatorResultIds.length > 0 || arrays.some((name) => name !== communications);
}

/** The next refresh after closing. This fetch serves the earlier ones. */
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
    fingerprint: fetch.item === null ? (before?.fingerprint ?? null) : fetch.item.fingerprint,
    createdFrom: fetch.item?.createdFrom ?? listedBefore?.createdFrom ?? null,
    attempts: attempts + 1,
    dueAt: now + wait,
  };
}
