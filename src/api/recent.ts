// The requests sent in the last two seconds, in the order sent: what the throttle judges by. Those of the last second
// are counted as they come and go, so that keeping to a pace costs the same at any pace.

/** A request on its way; `inFlight` counts itself. */
export interface Ticket {
  readonly number: number;
  readonly sentAtMs: number;
  readonly inFlight: number;
  state: 'sent' | 'good' | 'failed' | 'refused';
  /** In `Recent.inSecond`. */
  counted: boolean;
}

export interface Recent {
  tickets: Ticket[];
  /** Where the last second begins in `tickets`. */
  secondFrom: number;
  /** Of the last second, those that were not refused. */
  inSecond: number;
}

const keptMs = 2_000;
/** A second, and what two requests may differ by on their way: the later one must not arrive within the server's second. */
export const secondMs = 1_010;

/** Adds a ticket, the newest. */
export function remember(recent: Recent, ticket: Ticket): void {
  recent.tickets.push(ticket);
  recent.inSecond++;
}

/** Takes a refused ticket out of the count: the server did not count it either. */
export function uncount(recent: Recent, ticket: Ticket): void {
  if (ticket.counted) recent.inSecond--;
  ticket.counted = false;
}

/** When the oldest that is counted was sent; undefined while none is. */
export function oldestCountedMs({ tickets, secondFrom }: Recent): number | undefined {
  for (let at = secondFrom; at < tickets.length; at++) {
    const ticket = tickets[at];
    if (ticket?.counted) return ticket.sentAtMs;
  }
  return undefined;
}

/** Lets go of what is older than it need be. */
export function forget(recent: Recent, nowMs: number): void {
  const { tickets } = recent;
  for (let ticket = tickets[recent.secondFrom]; ticket !== undefined; ticket = tickets[recent.secondFrom]) {
    if (ticket.sentAtMs > nowMs - secondMs) break;
    uncount(recent, ticket);
    recent.secondFrom++;
  }
  // Half of it at a time: to drop one would move all the others, each time.
  const middle = tickets[Math.floor(recent.secondFrom / 2)];
  if (middle === undefined || recent.secondFrom < 128 || middle.sentAtMs > nowMs - keptMs) return;
  const old = tickets.findIndex(({ sentAtMs }) => sentAtMs > nowMs - keptMs);
  const dropped = old < 0 ? recent.secondFrom : old;
  tickets.splice(0, dropped);
  recent.secondFrom -= dropped;
}
