// Which ranges of `createdAt` are to be listed: the windows of each sweep, the gaps in history, and how a sweep ends. Passes,
// dry runs and `verify` plan with the same functions. Everything is decided from what the store knows of windows and from the
// API's time, in whole seconds. Ranges are sorted newest first.

import { day } from '../lib/duration.ts';
import type { Context, PlannedSoFar } from './context.ts';
import { edgeOf } from './keep.ts';
import type { HistoryStart, Missing, Sweep, TimeRange, Window } from './model.ts';

/** The API allows 31 days between two bounds. A slice asks for one second more on both sides. */
export const maxWindowSeconds = 30 * day;

/** The list may show a conversation only some time after it was created. */
export const overlapSeconds = 600;

const order: Sweep[] = ['new', 'open', 'lookback', 'reconcile'];

/** Whether a window must not wait for history. */
export function isRecent({ sweep }: Window): boolean {
  return sweep === 'new' || sweep === 'open' || sweep === 'lookback';
}

/** Sorts windows by sweep, in the order in which sweeps are listed. */
export function inOrder(windows: Window[]): Window[] {
  return windows.toSorted((a, b) => order.indexOf(a.sweep) - order.indexOf(b.sweep));
}

/** Whether an unfinished sweep of this kind can still be listed. If so, it is finished before the next one is planned. */
export function isUnfinished(pending: Window[], sweep: Sweep): boolean {
  return pending.some((window) => window.sweep === sweep && window.failures === 0);
}

/**
 * Plans the requested sweeps, and windows for history that no window covers yet. An unfinished sweep that can still be listed
 * comes first: a recent one stays requested meanwhile, a reconcile does not. If none of its windows can be listed, the new
 * sweep replaces it. If planning fails, everything stays requested.
 */
export async function planSweeps(context: Context): Promise<Window[]> {
  const { api, store, requests } = context;
  const soFar = await store.windows(api.now() + overlapSeconds);
  const requested = order.filter((sweep) => requests.sweeps.has(sweep));
  const wanted = requested.filter((sweep) => !isUnfinished(soFar.pending, sweep));
  const taken = requested.filter((sweep) => sweep === 'reconcile' || wanted.includes(sweep));
  const { openFromStart } = requests;
  // Taken before it is planned: what is requested meanwhile is another request.
  for (const sweep of taken) requests.sweeps.delete(sweep);
  try {
    if (wanted.includes('reconcile')) {
      await moveStart(context);
      context.learned.lost = null;
    }
    const windows: Window[] = [];
    for (const { sweep, ranges } of await decideSweeps(context, wanted, soFar)) {
      windows.push(...(await store.plan(sweep, ranges)));
    }
    return windows;
  } catch (error) {
    for (const sweep of taken) requests.sweeps.add(sweep);
    requests.openFromStart ||= openFromStart;
    throw error;
  }
}

/** The windows that `sync` would list, without a row in the database. */
export async function previewSweeps(context: Context): Promise<Window[]> {
  const { pending, covered, reached } = await context.store.windows(context.api.now() + overlapSeconds);
  const unfinished = pending.filter((window) => !isRecent(window) || isUnfinished(pending, window.sweep));
  // A sync finishes them, and then lists what is recent once more.
  const finished = unfinished.filter((window) => isRecent(window));
  const planned = await decideSweeps(context, ['new', 'open', 'lookback'], {
    pending: pending.filter((window) => !finished.includes(window)),
    covered: [...covered, ...finished.filter(({ sweep }) => sweep !== 'open')],
    reached,
  });
  const windows = planned.flatMap(({ sweep, ranges }) => previewWindows(sweep, ranges));
  return [...windows, ...unfinished.map((window) => ({ ...window, id: 0 }))];
}

/** Windows without a row: they are listed, and nothing about them is recorded. */
export function previewWindows(sweep: Sweep, ranges: TimeRange[]): Window[] {
  return ranges.map((range) => ({ ...range, id: 0, sweepId: 0, sweep, cursor: range.to, failures: 0 }));
}

/** Decides which ranges each wanted sweep lists, and which ranges of history are left after that. */
async function decideSweeps(context: Context, wanted: Sweep[], soFar: PlannedSoFar) {
  const { reached } = soFar;
  let { pending, covered } = soFar;
  const decided: { sweep: Sweep; ranges: TimeRange[] }[] = [];
  for (const sweep of wanted) {
    const replaced = pending.filter((window) => window.sweep === sweep);
    const ranges = await rangesOf(context, sweep, reached, edgeToKeep(replaced, reached));
    if (ranges.length === 0) continue;
    decided.push({ sweep, ranges });
    pending = [...pending.filter((window) => window.sweep !== sweep), ...previewWindows(sweep, ranges)];
    // What was listed of the replaced windows stays covered. The rest, unless planned again, is history.
    if (sweep !== 'open') covered = [...covered, ...replaced.map(({ cursor, to }) => ({ from: cursor, to }))];
  }
  const listedOrPlanned = [...covered, ...pending.filter(({ sweep }) => sweep !== 'open')];
  const history = upToNow(context.api.now(), context.settings.start);
  const gaps = history.flatMap((whole) => uncovered(whole, listedOrPlanned));
  if (gaps.length > 0) decided.push({ sweep: 'backfill', ranges: cutToWindows(context, gaps) });
  return decided;
}

/** Moves the start of history if it is set as a duration. What lies before it stays stored and need not be listed any more. */
async function moveStart({ api, store, settings }: Context): Promise<void> {
  const start = startAt(settings.history, api.now(), settings.keep.retentionSeconds);
  if (start === settings.start) return;
  await store.startHistoryAt(start);
  settings.start = start;
}

/**
 * The lower edge of a sweep that is replaced before anything of it was listed: the next sweep starts there too. Otherwise,
 * while nothing can be listed, each new sweep would leave a small gap below it, to be planned as history.
 */
function edgeToKeep(replaced: Window[], reached: number | null): number | null {
  const untouched = replaced.every(({ cursor, to }) => cursor === to && to > (reached ?? 0));
  return replaced.length > 0 && untouched ? Math.min(...replaced.map(({ from }) => from)) : null;
}

/** The ranges that a sweep lists if it is planned now. `new` and `lookback` go down to `edge` at least. */
export async function rangesOf(
  context: Context,
  sweep: Sweep,
  reached: number | null,
  edge: number | null = null,
): Promise<TimeRange[]> {
  const { start, lookbackSeconds, status } = context.settings;
  const now = context.api.now();
  const downToEdge = (ranges: TimeRange[]) =>
    ranges.map(({ from, to }) => ({ from: Math.max(start, Math.min(from, edge ?? from)), to }));
  switch (sweep) {
    case 'new':
      return cutToWindows(context, downToEdge(newRange(now, reached, start)));
    case 'lookback':
      return cutToWindows(context, downToEdge(upToNow(now, start, lookbackSeconds)));
    case 'reconcile':
      return cutToWindows(context, upToNow(now, start));
    case 'open': {
      if (status === 'CLOSED') return [];
      const within = upToNow(now, start, context.requests.openFromStart ? undefined : lookbackSeconds);
      context.requests.openFromStart = false;
      return (await Promise.all(within.map((each) => context.store.openRanges(each)))).flat();
    }
    default:
      return [];
  }
}

/** The windows of a range that a person asks for. It may reach past the API's time. */
export function rangesWithin(context: Context, { from, to }: TimeRange): TimeRange[] {
  return cutToWindows(context, upToNow(Math.min(to, context.api.now()), from));
}

/** Cuts ranges into windows that the server takes. If each listing is of everything, a window may have any length. */
function cutToWindows(context: Context, ranges: TimeRange[]): TimeRange[] {
  return cut(ranges, context.api.bounded ? maxWindowSeconds : Number.POSITIVE_INFINITY);
}

/**
 * Where history begins now: the later of the start that is set, and of what is kept. A duration is counted back from now and cut to the
 * UTC day, so that it moves once a day.
 */
export function startAt(start: HistoryStart, now: number, retentionSeconds: number | null = null): number {
  const from = typeof start === 'number' ? start : Math.floor((now - start.secondsBack) / day) * day;
  return Math.max(from, edgeOf(retentionSeconds, now) ?? from);
}

/** What is new: from the overlap before the newest range listed so far, up to now. If a clock was ahead, `reached` is after now. */
export function newRange(now: number, reached: number | null, start: number): TimeRange[] {
  return nonEmpty({ from: Math.max(start, Math.min(now, reached ?? now) - overlapSeconds), to: now });
}

/** Everything between start and now, or only its last seconds. */
export function upToNow(now: number, start: number, seconds = Number.POSITIVE_INFINITY): TimeRange[] {
  return nonEmpty({ from: Math.max(start, now - seconds), to: now });
}

/** The gaps in a range that none of `covered` covers. */
export function uncovered(whole: TimeRange, covered: TimeRange[]): TimeRange[] {
  const gaps: TimeRange[] = [];
  let from = whole.from;
  for (const each of covered.flatMap(nonEmpty).toSorted((a, b) => a.from - b.from)) {
    gaps.push(...nonEmpty({ from, to: Math.min(each.from, whole.to) }));
    from = Math.max(from, each.to);
  }
  gaps.push(...nonEmpty({ from, to: whole.to }));
  return gaps.reverse();
}

/** Cuts ranges into pieces of at most `maxSeconds`. */
export function cut(ranges: TimeRange[], maxSeconds: number): TimeRange[] {
  return ranges.flatMap(({ from, to }) => {
    const pieces: TimeRange[] = [];
    for (let end = to; end > from; end -= maxSeconds) pieces.push({ from: Math.max(from, end - maxSeconds), to: end });
    return pieces;
  });
}

function nonEmpty(range: TimeRange): TimeRange[] {
  return range.from < range.to ? [range] : [];
}

/** Ends complete sweeps and makes their missing conversations due, unless there are too many for that to be likely. */
export async function endSweeps(context: Context): Promise<void> {
  const brake = context.settings.allowMassDelete
    ? () => false
    : (found: Missing) => isTooMany(found.expected, found.missing) && !isRetention(found);
  for (const { sweep, expected, missing, braked } of await context.store.endSweeps(context.api.now(), brake)) {
    if (!braked) continue;
    const said = `${sweep}: ${missing} of ${expected} stored conversations were not listed; none was checked, none marked deleted`;
    context.counts.incomplete.push(said);
    context.watcher.warn('deletion brake', { sweep, expected, missing });
  }
}

/** The deletion brake: more than 5 % and more than 20 of what a sweep should have listed are missing. */
export function isTooMany(expected: number, missing: number): boolean {
  return missing > 20 && missing > expected * 0.05;
}

/**
 * Whether the source only keeps so many days, and has dropped its oldest conversations: all that are missing are older than all
 * that are listed, and they span no more days than have passed since the last look, plus one. Only a complete reconcile can tell.
 */
export function isRetention(found: Missing): boolean {
  const { sweep, complete, oldestListed, oldestMissing, newestMissing, secondsSinceReconcile } = found;
  if (sweep !== 'reconcile' || !complete) return false;
  if (oldestListed === null || oldestMissing === null || newestMissing === null) return false;
  return newestMissing < oldestListed && newestMissing - oldestMissing <= secondsSinceReconcile + day;
}
