// One transcript: an encounter in, its lines out, with the placeholders filled in. The same random stream gives the same
// transcript. How well it goes depends on the agents: who is more skilled keeps to the script and leaves happier customers.

import type { Random } from '../lib/random.ts';
import type { Encounter, Speaker } from './encounter.ts';
import type { Mood, Phrasebook, Turn } from './talk/phrasebook.ts';

export interface Line {
  readonly participantId: string;
  readonly text: string;
  /** How long it takes until it is said, 1 being usual. */
  readonly pace: number;
}

/** The lines of an encounter, from the first words to the goodbye. */
export function createTranscript(encounter: Encounter, random: Random): Line[] {
  const { customer, first, second, subject, isCall } = encounter;
  const { phrasebook } = customer.market;
  const script = new Script(encounter, random);
  const [opening, ...turns] = subject.turns;
  if (first === undefined) {
    const waiting = random.shuffle(phrasebook.waiting).slice(0, random.int(0, 2));
    script.say(opening);
    for (const text of waiting) script.say({ by: 'customer', says: [text] });
    return script.lines;
  }
  const greeting = phrasebook.greetings[isCall ? 'call' : 'message'];
  const welcome: Turn = { by: 'agent', says: keepsTo(first, 1, random) ? greeting.named : greeting.plain };
  if (isCall) script.say(welcome);
  script.say(opening);
  if (!isCall) script.say(welcome);
  const asides = random.shuffle([...phrasebook.asides.any, ...(isCall ? phrasebook.asides.call : [])]);
  for (const [index, turn] of turns.entries()) {
    if (turn.by === 'customer' && random.chance(0.72)) for (const said of asides.pop() ?? []) script.say(said);
    if (second !== undefined && index === turns.length >>> 1) {
      script.handOver(first.agent.type === 'AI_AGENT' ? phrasebook.handover : phrasebook.transfer);
    }
    script.say(turn);
  }
  script.say({ by: 'customer', says: phrasebook.farewells[drawMood(first, second, random)] });
  script.say({ by: 'agent', says: phrasebook.goodbyes[keepsTo(second ?? first, 0.8, random) ? 'offering' : 'plain'] });
  const { lines } = script;
  return encounter.isAbandoned ? lines.slice(0, random.int(3, lines.length >>> 1)) : lines;
}

class Script {
  readonly lines: Line[] = [];
  readonly #customerId: string;
  readonly #second: Speaker | undefined;
  readonly #random: Random;
  readonly #blanks: Record<string, string>;
  #speaker: Speaker | undefined;
  #hasAnswered = false;

  constructor({ customer, customerId, first, second }: Encounter, random: Random) {
    this.#customerId = customerId;
    this.#second = second;
    this.#random = random;
    this.#speaker = first;
    const { phrasebook } = customer.market;
    this.#blanks = { ...drawBlanks(customer.name, phrasebook, random), colleague: second?.agent.name ?? '' };
  }

  say(turn: Turn | undefined): void {
    if (turn === undefined) return;
    const text = this.#fill(turn);
    const speaker = turn.by === 'customer' ? undefined : this.#speaker;
    this.lines.push({ participantId: speaker?.participantId ?? this.#customerId, text, pace: this.#pace(speaker) });
    if (speaker !== undefined) this.#hasAnswered = true;
  }

  /** From here on the other agent speaks. */
  handOver([before, after]: Phrasebook['handover']): void {
    this.say(before);
    const says = [this.#fill(after)];
    this.#speaker = this.#second;
    this.#hasAnswered = false;
    this.say({ by: 'agent', says });
  }

  #fill({ says }: Turn): string {
    const agent = this.#speaker?.agent.name ?? '';
    const blanks: Record<string, string> = { ...this.#blanks, agent, helper: agent.split(' ')[0] ?? agent };
    return this.#random.pick(says).replace(/\{(\w+)\}/g, (_, name: string) => blanks[name] ?? '');
  }

  /** An AI agent answers at once; a person has to be found first. */
  #pace(speaker: Speaker | undefined): number {
    if (speaker === undefined) return 1;
    if (speaker.agent.type === 'AI_AGENT') return 0.15;
    return this.#hasAnswered ? 1.2 : 2.5;
  }
}

function keepsTo({ agent }: Speaker, share: number, random: Random): boolean {
  return random.chance(agent.skill * share);
}

function drawMood(first: Speaker, second: Speaker | undefined, random: Random): Mood {
  const { skill } = (second ?? first).agent;
  const positive = skill * 0.8 - (second === undefined ? 0 : 0.15);
  const roll = random.next();
  if (roll < positive) return 'positive';
  return roll < (1 + positive) / 2 ? 'neutral' : 'negative';
}

function drawBlanks(customer: string, { cities, products, dayOf }: Phrasebook, random: Random): Record<string, string> {
  const digits = (length: number) => random.text('0123456789', length);
  const user =
    customer
      .normalize('NFD')
      .replace(/[^A-Za-z]/g, '')
      .toLowerCase() || 'customer';
  return {
    customer: customer.split(' ')[0] ?? customer,
    amount: `€${random.int(9, 480)}.${digits(2)}`,
    order: `ORD-${digits(6)}`,
    ticket: `#${digits(5)}`,
    day: dayOf(random.int(2, 28)),
    time: `${random.int(8, 17)}:${random.pick(['00', '15', '30', '45'])}`,
    city: random.pick(cities),
    product: random.pick(products),
    email: `${user}@example.com`,
    digits: String(random.int(10, 99)),
  };
}
