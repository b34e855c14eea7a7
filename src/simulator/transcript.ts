// One transcript: a subject, its participants, and their turns with the placeholders filled in. The same random stream
// gives the same transcript.

import type { Random } from '../lib/random.ts';
import { asides, cities, closings, handover, openings, products, type Subject, type Turn } from './talk.ts';

export interface Cast {
  readonly customer: string;
  /** Who answers first: a person, or an AI agent. */
  readonly agent: string;
  /** Who takes over, if anybody does. */
  readonly colleague: string | undefined;
}

export interface Line {
  readonly by: 'customer' | 'agent' | 'colleague';
  readonly text: string;
}

/** The lines of a conversation about a subject, from the greeting to the goodbye. */
export function createTranscript(subject: Subject, cast: Cast, random: Random): Line[] {
  const fill = createFill(cast, random);
  const lines: Line[] = [];
  let agent: Line['by'] = 'agent';
  const say = (turn: Turn) =>
    lines.push({ by: turn.by === 'customer' ? 'customer' : agent, text: fill(random.pick(turn.says)) });
  const half = subject.turns.length >>> 1;

  for (const turn of openings) say(turn);
  for (const [index, turn] of subject.turns.entries()) {
    if (turn.by === 'customer' && index > 0 && random.chance(0.6)) for (const aside of random.pick(asides)) say(aside);
    if (index === half && cast.colleague !== undefined) {
      say(handover[0]);
      agent = 'colleague';
      say(handover[1]);
    }
    say(turn);
  }
  for (const turn of closings) say(turn);
  return lines;
}

function createFill(cast: Cast, random: Random): (text: string) => string {
  const digits = (length: number) => random.text('0123456789', length);
  const user =
    cast.customer
      .normalize('NFD')
      .replace(/[^A-Za-z]/g, '')
      .toLowerCase() || 'customer';
  const blanks: Record<string, string> = {
    customer: cast.customer.split(' ')[0] ?? cast.customer,
    agent: cast.agent,
    colleague: cast.colleague ?? cast.agent,
    amount: `€${random.int(9, 480)}.${digits(2)}`,
    order: `ORD-${digits(6)}`,
    ticket: `#${digits(5)}`,
    day: `${random.int(2, 28)}th`,
    time: `${random.int(8, 17)}:${random.pick(['00', '15', '30', '45'])}`,
    city: random.pick(cities),
    product: random.pick(products),
    email: `${user}@example.com`,
    digits: String(random.int(10, 99)),
  };
  return (text) => text.replace(/\{(\w+)\}/g, (_, name: string) => blanks[name] ?? '');
}
