// Conversations of one size: so many communications of so long a text, closed but for the newest few. Each is made from
// its number whenever it is read, so that 300,000 of them fit into memory; the same numbers give the same conversations.

import { createRandom, type Random } from '../src/lib/random.ts';
import type { Made } from '../src/simulator/entry.ts';
import { drawId } from '../src/simulator/ids.ts';
import { SeededConversation, type SeedPlan } from '../src/simulator/seeded.ts';
import { english } from '../src/simulator/talk/english.ts';
import type { WireConversation, WireConversationDetail } from '../src/twilio/wire.ts';

export interface Shape {
  conversations: number;
  /** How many of them are open; those are of the last two days. */
  open?: number;
  /** Communications in each; 20 unless given. */
  communications?: number;
  /** Characters in each text; 98 unless given, which makes a detail of 20 communications 6.5 kB of JSON. */
  textLength?: number;
  /** Over how many days they are spread; unless given, as many as makes the usual number a day. */
  days?: number;
}

/** In which order lists show keys and arrays: as they are held where 0, else shuffled, each number another way. */
export interface Order {
  turn: number;
}

/** The same number in nearly every measure, so that a longer history is what it is in life: longer. */
const perDay = 333;
const dayMs = 86_400_000;
const openWithinMs = 2 * dayMs;
const words = english.subjects.flatMap(({ turns }) => turns.flatMap(({ says }) => says)).join(' ');

/** Over how many days they are spread. */
export function daysOf({ conversations, days }: Shape): number {
  return days ?? Math.max(3, Math.ceil(conversations / perDay));
}

/** The conversations of a shape, all before an instant. */
export function* madeConversations(accountId: string, shape: Shape, untilMs: number, order: Order): Generator<Made> {
  const plan: SeedPlan = { seed: 1, accountId, untilMs, spanMs: daysOf(shape) * dayMs, isEven: true };
  for (let number = 0; number < shape.conversations; number += 1) yield new Sized(plan, shape, number, order);
}

class Sized implements Made {
  readonly #seeded: SeededConversation;
  readonly #shape: Shape;
  readonly #number: number;
  readonly #order: Order;

  constructor(plan: SeedPlan, shape: Shape, number: number, order: Order) {
    const openMs = plan.untilMs - Math.floor(((number + 1) * openWithinMs) / ((shape.open ?? 0) + 1));
    const createdAt = number < (shape.open ?? 0) ? new Date(openMs).toISOString() : undefined;
    this.#seeded = new SeededConversation(plan, number, createdAt);
    this.#shape = shape;
    this.#number = number;
    this.#order = order;
  }

  get id(): string {
    return this.#seeded.id;
  }

  get createdAt(): string {
    return this.#seeded.createdAt;
  }

  head(): WireConversation {
    const { turn } = this.#order;
    return turn === 0 ? this.#held() : shuffled(this.#held(), createRandom(turn, this.#number));
  }

  whole(): WireConversationDetail {
    const { communications: count = 20, textLength = 98 } = this.#shape;
    const { operatorResultIds, ...head } = this.#held();
    const random = createRandom(0xbe, this.#number);
    const speakers = head.participants ?? [];
    const startedMs = Date.parse(head.createdAt);
    const stepMs = (Date.parse(head.updatedAt ?? head.createdAt) - startedMs) / (count + 1);
    const communications = Array.from({ length: count }, (_, at) => ({
      id: drawId('conv_communication', random),
      participantId: speakers[at % speakers.length]?.id ?? '',
      content: { text: drawText(textLength, random) },
      createdAt: new Date(startedMs + stepMs * (at + 1)).toISOString(),
    }));
    return { ...head, communications, operatorResultIds: operatorResultIds ?? [] };
  }

  #held(): WireConversation {
    const head = this.#seeded.head();
    const isOpen = this.#number < (this.#shape.open ?? 0);
    return { ...head, status: isOpen ? (this.#number % 2 === 0 ? 'ACTIVE' : 'INACTIVE') : 'CLOSED' };
  }
}

function drawText(length: number, random: Random): string {
  const text = words.repeat(Math.ceil((length * 2) / words.length));
  const from = random.int(0, text.length - length);
  return text.slice(from, from + length);
}

function shuffled<Value>(value: Value, random: Random): Value {
  if (Array.isArray(value)) return random.shuffle(value.map((element) => shuffled(element, random))) as Value;
  if (typeof value !== 'object' || value === null) return value;
  const fields = Object.entries(value).map(([name, inner]) => [name, shuffled(inner, random)] as const);
  return Object.fromEntries(random.shuffle(fields)) as Value;
}
