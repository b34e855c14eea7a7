// What a phrasebook of one language holds: subjects, each a conversation, turn by turn, and what is said around them.
// Placeholders are in braces.

export interface Turn {
  readonly by: 'customer' | 'agent';
  /** Variants, of which one is used. */
  readonly says: readonly string[];
}

export interface Subject {
  readonly name: string;
  readonly turns: readonly Turn[];
}

/** How a customer leaves. */
export type Mood = 'positive' | 'neutral' | 'negative';

interface Greeting {
  /** With the agent's name. */
  readonly named: readonly string[];
  readonly plain: readonly string[];
}

export type Aside = readonly [Turn, Turn];

export interface Phrasebook {
  readonly subjects: readonly Subject[];
  /** An agent's first words: on a call before the customer's, else in answer to them. */
  readonly greetings: { readonly call: Greeting; readonly message: Greeting };
  /** Said between the turns of a subject; the second kind on a call alone. */
  readonly asides: { readonly any: readonly Aside[]; readonly call: readonly Aside[] };
  /** Said when an AI agent hands over to a person. */
  readonly handover: readonly [Turn, Turn];
  /** Said when one person passes a customer on to another: the first is the former's, the second the latter's. */
  readonly transfer: readonly [Turn, Turn];
  /** What a customer says whom nobody answers. */
  readonly waiting: readonly string[];
  /** A customer's last words. */
  readonly farewells: Readonly<Record<Mood, readonly string[]>>;
  /** An agent's last words. */
  readonly goodbyes: { readonly plain: readonly string[]; readonly offering: readonly string[] };
  readonly givenNames: readonly string[];
  readonly familyNames: readonly string[];
  readonly cities: readonly string[];
  readonly products: readonly string[];
  /** A day of a month, as people say it. */
  dayOf(number: number): string;
}

export const customer = (...says: string[]): Turn => ({ by: 'customer', says });
export const agent = (...says: string[]): Turn => ({ by: 'agent', says });
