// Fills a source with seeded conversations, spread over the days before an instant. The same seed and instant give the
// same conversations. Nothing is made before it is read: 300,000 take some 150 MB.

import { SeededConversation, type SeedPlan } from './seeded.ts';
import type { Source } from './source.ts';

export interface SeedOptions {
  /** How many. */
  conversations: number;
  /** The instant all of them lie before, in ms since the epoch. */
  untilMs: number;
  /** Over how many days before it they are spread; 30 unless given. */
  days?: number;
  seed?: number;
}

/** Adds seeded conversations to a source. */
export function fillSource(source: Source, { conversations, untilMs, days = 30, seed = 1 }: SeedOptions): void {
  const plan: SeedPlan = { seed, accountId: source.accountId, untilMs, spanMs: days * 86_400_000 };
  source.fill(seededConversations(plan, conversations));
}

function* seededConversations(plan: SeedPlan, count: number): Generator<SeededConversation> {
  for (let number = 0; number < count; number += 1) yield new SeededConversation(plan, number);
}
