// The pace: a maximum of requests a second, spread evenly, and kept in every period of one second. It also remembers the
// requests of the last seconds in the order sent: what the server accepted in a second is its rate.

/** A request in flight; `inFlight` includes it. */
export interface Ticket {
  readonly number: number;
  readonly sentAtMs: number;
  readonly inFlight: number;
  /** The limit that delayed it. */
  readonly heldBy: 'pace' | 'window' | undefined;
  isRefused: boolean;
  /** Counted in `inSecond`. */
  isCounted: boolean;
}

export interface Pace {
  /** Requests a second; undefined while no such limit is known. */
  perSecond: number | undefined;
  /** The value that held when it was last left. */
  settledAt: number | undefined;
  /** When the next one is due; in the past if some were sent late. */
  dueAtMs: number;
  /** The earliest time for the next one, so that catching up is not a burst. */
  spacedAtMs: number;
  /** Requests in a row that the pace did not delay. */
  undelayed: number;
  tickets: Ticket[];
  /** Index in `tickets` at which the last second begins. */
  secondFrom: number;
  /** Requests of the last second that were not refused: the server does not count refused ones either. */
  inSecond: number;
}

/** The pace stays below the measured rate: two of a hundred requests may arrive closer together than they were sent. */
const share = 0.98;
/** A second plus the jitter between two requests: the later one must not arrive within the same second of the server. */
const secondMs = 1_010;
/** A busy process that is late by up to this catches up, a third faster than the pace. */
const slackMs = 1_000;
const catchUp = 0.75;
/** Timers are late by up to this. */
export const timerMs = 5;

export function createPace(): Pace {
  return {
    perSecond: undefined,
    settledAt: undefined,
    dueAtMs: 0,
    spacedAtMs: 0,
    undelayed: 0,
    tickets: [],
    secondFrom: 0,
    inSecond: 0,
  };
}

/** How long the next request has to wait for the pace; negative if it is late. */
export function waitForPace({ perSecond, ...pace }: Pace, nowMs: number): number {
  if (perSecond === undefined) return 0;
  const dueMs = Math.max(pace.dueAtMs, pace.spacedAtMs) - nowMs;
  if (pace.inSecond < Math.max(1, Math.round((perSecond * secondMs) / 1_000))) return dueMs;
  let oldest = pace.secondFrom;
  while (pace.tickets[oldest]?.isCounted === false) oldest++;
  return Math.max(dueMs, (pace.tickets[oldest]?.sentAtMs ?? nowMs) + secondMs - nowMs);
}

/** A request is sent. `growth`: by what factor the pace grows in a second in which it delays requests. */
export function countSent(pace: Pace, ticket: Ticket, growth: number): void {
  pace.tickets.push(ticket);
  pace.inSecond++;
  if (pace.perSecond === undefined) return;
  const isDelayed = ticket.heldBy === 'pace';
  // There are as many steps in a second as the pace: together they are the growth of a second.
  if (isDelayed) pace.perSecond += Math.min(1, growth);
  pace.dueAtMs = Math.max(pace.dueAtMs, ticket.sentAtMs - slackMs) + 1_000 / pace.perSecond;
  pace.spacedAtMs = Math.max(pace.spacedAtMs, ticket.sentAtMs - timerMs) + (catchUp * 1_000) / pace.perSecond;
  pace.undelayed = isDelayed ? 0 : pace.undelayed + 1;
}

/** Whether the pace has delayed nothing for two seconds or more. */
export function isIdle({ perSecond = 0, undelayed }: Pace): boolean {
  return undelayed > 2 * perSecond + 20;
}

/** Lowers the pace to what was accepted in the second before the refused request. @returns whether that is the value that held before. */
export function lowerPace(pace: Pace, refused: Ticket): boolean {
  const fromMs = refused.sentAtMs - 1_000;
  const before = pace.tickets.filter(({ sentAtMs, number }) => sentAtMs > fromMs && number < refused.number);
  const accepted = Math.max(1, before.filter(({ isRefused }) => !isRefused).length);
  const isKnown = pace.perSecond !== undefined;
  pace.perSecond = Math.min(pace.perSecond ?? Number.POSITIVE_INFINITY, accepted * share);
  pace.undelayed = 0;
  return isKnown && Math.abs(accepted / (pace.settledAt ?? Number.NaN) - 1) < 0.1;
}

/** Removes a refused request from the count. */
export function uncount(pace: Pace, ticket: Ticket): void {
  if (ticket.isCounted) pace.inSecond--;
  ticket.isCounted = false;
}

/** Forgets old requests, whose answers have come. */
export function forget(pace: Pace, nowMs: number, roundTripMs: number): void {
  const { tickets } = pace;
  for (let ticket = tickets[pace.secondFrom]; ticket !== undefined; ticket = tickets[pace.secondFrom]) {
    if (ticket.sentAtMs > nowMs - secondMs) break;
    uncount(pace, ticket);
    pace.secondFrom++;
  }
  // Half at a time: removing each one singly would move all the others.
  const oldMs = nowMs - Math.max(2_000, 3 * roundTripMs);
  const middle = tickets[Math.floor(pace.secondFrom / 2)];
  if (middle === undefined || pace.secondFrom < 128 || middle.sentAtMs > oldMs) return;
  const old = tickets.findIndex(({ sentAtMs }) => sentAtMs > oldMs);
  const dropped = old < 0 ? pace.secondFrom : old;
  tickets.splice(0, dropped);
  pace.secondFrom -= dropped;
}
