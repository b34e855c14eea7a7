// Which stretches of `createdAt` are to be listed, and in what slices. Pure: the API's time comes in as an argument,
// in whole seconds since the epoch, and stretches go out, newest first.

import { day } from '../lib/duration.ts';
import type { Sweep, TimeRange, Window } from './model.ts';

/** The most that may lie between two bounds is 31 days (the API's reference); a slice asks a second more at either end. */
export const maxWindowSeconds = 30 * day;

/** A conversation may show in the list only some time after it was created. */
export const overlapSeconds = 600;

/** Where a listing starts when nothing is known of how densely conversations lie. */
export const firstSpanSeconds = day;

/** How far back history goes: to an instant, in seconds since the epoch, or so many seconds back from whatever now is. */
export type HistoryStart = number | { secondsBack: number };

/** Where history begins now. So many seconds back are cut to the UTC day: within a day it stays where it is. */
export function startAt(start: HistoryStart, now: number): number {
  return typeof start === 'number' ? start : Math.floor((now - start.secondsBack) / day) * day;
}

/** What is new: from the overlap before the newest stretch listed so far, up to now. A clock that jumped ahead is not believed twice. */
export function newStretch(now: number, reached: number | null, start: number): TimeRange[] {
  return proper({ from: Math.max(start, Math.min(now, reached ?? now) - overlapSeconds), to: now });
}

/** Everything between start and now, or only its last seconds. */
export function upToNow(now: number, start: number, seconds = Number.POSITIVE_INFINITY): TimeRange[] {
  return proper({ from: Math.max(start, now - seconds), to: now });
}

/** What of a stretch none of `covered` covers, newest first. */
export function uncovered(whole: TimeRange, covered: TimeRange[]): TimeRange[] {
  const gaps: TimeRange[] = [];
  let from = whole.from;
  for (const each of covered.flatMap(proper).toSorted((a, b) => a.from - b.from)) {
    gaps.push(...proper({ from, to: Math.min(each.from, whole.to) }));
    from = Math.max(from, each.to);
  }
  gaps.push(...proper({ from, to: whole.to }));
  return gaps.reverse();
}

/** Cuts stretches into windows of at most `most` seconds, newest first. */
export function cut(stretches: TimeRange[], most: number): TimeRange[] {
  return stretches.flatMap(({ from, to }) => {
    const windows: TimeRange[] = [];
    for (let end = to; end > from; end -= most) windows.push({ from: Math.max(from, end - most), to: end });
    return windows;
  });
}

/** Windows that are only looked at: they have no row, and nothing is noted of them. */
export function unplanned(sweep: Sweep, stretches: TimeRange[]): Window[] {
  return stretches.map((each) => ({ ...each, id: 0, sweepId: 0, sweep, cursor: each.to, failures: 0 }));
}

/** The part of a window that is listed next. */
export function sliceOf(window: TimeRange & { cursor: number }, span: number): TimeRange {
  return { from: Math.max(window.from, window.cursor - span), to: window.cursor };
}

/**
 * How long the next slice is, after one that took so many pages: 3 to 5 are right. `shown`: how many of them showed
 * anything, for a server may put empty pages between. `cap`: the total at which lists end early, which it stays under.
 */
export function nextSpan(
  span: number,
  { pages, shown, total }: { pages: number; shown: number; total: number },
  cap: number,
): number {
  if (pages > 5) return Math.max(1, Math.floor(span / 2));
  const grown = shown > 2 ? span : Math.min(span * 2, maxWindowSeconds);
  return Math.max(1, Math.floor(Math.min(grown, (span * cap * 0.8) / Math.max(1, total))));
}

/**
 * The shortest length in seconds that could not be listed since one as long could; how often in a row; and for how many
 * slices it is not asked for again. Once is chance, and the next slices tell: a limit of the server fails again and again.
 */
export interface TooLong {
  seconds: number;
  failures: number;
  slices: number;
}

export const nothingTooLong: TooLong = { seconds: Number.POSITIVE_INFINITY, failures: 0, slices: 0 };

/** A slice of so many seconds could not be listed. */
export function couldNotList(known: TooLong, seconds: number): TooLong {
  if (seconds < known.seconds) return { seconds, failures: 1, slices: 0 };
  const failures = known.failures + 1;
  return { ...known, failures, slices: Math.min(2 ** (failures + 1), 64) };
}

/** A slice of so many seconds was listed. */
export function couldList(known: TooLong, seconds: number): TooLong {
  return seconds >= known.seconds ? nothingTooLong : { ...known, slices: Math.max(0, known.slices - 1) };
}

/** How long a slice may be, after what could not be listed. */
export function longestSpan({ seconds, slices }: TooLong): number {
  return slices === 0 ? Number.POSITIVE_INFINITY : Math.max(1, Math.floor(seconds / 2));
}

function proper(stretch: TimeRange): TimeRange[] {
  return stretch.from < stretch.to ? [stretch] : [];
}
