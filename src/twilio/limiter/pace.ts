// The pace: how many requests a second, kept to evenly and in any second. With it the requests of the last seconds, in
// the order sent: what the server took in a second is its rate.

/** A request on its way; `inFlight` counts itself. */
export interface Ticket {
  readonly number: number;
  readonly sentAtMs: number;
  readonly inFlight: number;
  /** The limit that made it wait. */
  readonly heldBy: 'pace' | 'window' | undefined;
  isRefused: boolean;
  /** In `inSecond`. */
  isCounted: boolean;
}

export interface Pace {
  /** Requests a second; undefined while no such limit has shown. */
  perSecond: number | undefined;
  /** What it was settled at when it was last tried. */
  settledAt: number | undefined;
  /** When the next is due; behind the time where some were sent late. */
  dueAtMs: number;
  /** When the next may be sent, late or not, so that catching up is no burst. */
  spacedAtMs: number;
  /** Sent in a row that the pace has not held. */
  unheld: number;
  tickets: Ticket[];
  /** Where the last second begins in `tickets`. */
  secondFrom: number;
  /** Of the last second, those that were not refused: the server did not count the others either. */
  inSecond: number;
}

/** Kept under the rate that was measured: two of a hundred may arrive closer together than they were sent. */
const share = 0.98;
/** A second, and what two requests may differ by on their way: the later one must not arrive within the server's second. */
const secondMs = 1_010;
/** Behind its due times by up to this, a busy process, the pace is caught up with, a third faster than it is. */
const slackMs = 1_000;
const catchUp = 0.75;
/** Timers are late by a little, and ring once for several that are due. */
export const timerMs = 5;

export function createPace(): Pace {
  return {
    perSecond: undefined,
    settledAt: undefined,
    dueAtMs: 0,
    spacedAtMs: 0,
    unheld: 0,
    tickets: [],
    secondFrom: 0,
    inSecond: 0,
  };
}

/** How long the next request waits for the pace; negative where it is late. */
export function waitForPace({ perSecond, ...pace }: Pace, nowMs: number): number {
  if (perSecond === undefined) return 0;
  const dueMs = Math.max(pace.dueAtMs, pace.spacedAtMs) - nowMs;
  if (pace.inSecond < Math.max(1, Math.round((perSecond * secondMs) / 1_000))) return dueMs;
  let oldest = pace.secondFrom;
  while (pace.tickets[oldest]?.isCounted === false) oldest++;
  return Math.max(dueMs, (pace.tickets[oldest]?.sentAtMs ?? nowMs) + secondMs - nowMs);
}

/** A request is sent; `faster` is by what share of itself the pace grows in a second of requests that it held. */
export function keepPace(pace: Pace, ticket: Ticket, faster: number): void {
  pace.tickets.push(ticket);
  pace.inSecond++;
  if (pace.perSecond === undefined) return;
  const isHeld = ticket.heldBy === 'pace';
  // As many steps a second as the pace has: together they are the growth of a second.
  if (isHeld) pace.perSecond += Math.min(1, faster);
  pace.dueAtMs = Math.max(pace.dueAtMs, ticket.sentAtMs - slackMs) + 1_000 / pace.perSecond;
  pace.spacedAtMs = Math.max(pace.spacedAtMs, ticket.sentAtMs - timerMs) + (catchUp * 1_000) / pace.perSecond;
  pace.unheld = isHeld ? 0 : pace.unheld + 1;
}

/** Nothing has waited for the pace for two seconds and more. */
export function isIdle({ perSecond = 0, unheld }: Pace): boolean {
  return unheld > 2 * perSecond + 20;
}

/** Lowers the pace to what was taken in the second before the refused request. @returns whether it had settled there. */
export function lowerPace(pace: Pace, refused: Ticket): boolean {
  const fromMs = refused.sentAtMs - 1_000;
  const before = pace.tickets.filter(({ sentAtMs, number }) => sentAtMs > fromMs && number < refused.number);
  const taken = Math.max(1, before.filter(({ isRefused }) => !isRefused).length);
  const isKnown = pace.perSecond !== undefined;
  pace.perSecond = Math.min(pace.perSecond ?? Number.POSITIVE_INFINITY, taken * share);
  pace.unheld = 0;
  return isKnown && Math.abs(taken / (pace.settledAt ?? Number.NaN) - 1) < 0.1;
}

/** Takes a refused request out of the count. */
export function uncount(pace: Pace, ticket: Ticket): void {
  if (ticket.isCounted) pace.inSecond--;
  ticket.isCounted = false;
}

/** Lets go of requests of which no answer is awaited any more. */
export function forget(pace: Pace, nowMs: number, roundTripMs: number): void {
  const { tickets } = pace;
  for (let ticket = tickets[pace.secondFrom]; ticket !== undefined; ticket = tickets[pace.secondFrom]) {
    if (ticket.sentAtMs > nowMs - secondMs) break;
    uncount(pace, ticket);
    pace.secondFrom++;
  }
  // Half of it at a time: to drop one would move all the others, each time.
  const oldMs = nowMs - Math.max(2_000, 3 * roundTripMs);
  const middle = tickets[Math.floor(pace.secondFrom / 2)];
  if (middle === undefined || pace.secondFrom < 128 || middle.sentAtMs > oldMs) return;
  const old = tickets.findIndex(({ sentAtMs }) => sentAtMs > oldMs);
  const dropped = old < 0 ? pace.secondFrom : old;
  tickets.splice(0, dropped);
  pace.secondFrom -= dropped;
}
