// Fills a source with seeded conversations, spread over the days before an instant. The same options give the same
// conversations. They are generated when they are read: 300,000 take about 250 MB.

import { day } from '../lib/duration.ts';
import type { Made } from './entry.ts';
import { SeededConversation, type SeedPlan } from './seeded.ts';
import type { Source } from './source.ts';
import { WildConversation } from './wild.ts';

export interface SeedOptions {
  /** Number of conversations. */
  conversations: number;
  /** They are all before this instant, in ms since the epoch. */
  untilMs: number;
  /** The number of days before it that they are spread over. Default 30. */
  days?: number;
  seed?: number;
  /** Adds all oddities that real data has. */
  wild?: boolean;
  /** How many have the same `createdAt`, in the middle; as many more share its second. Default 0; if wild, a quarter, at most 1,100. */
  crowd?: number;
}

/** Adds seeded conversations to a source. */
export function fillSource(source: Source, options: SeedOptions): void {
  source.fill(seededConversations(source.accountId, options));
}

function* seededConversations(accountId: string, options: SeedOptions): Generator<Made> {
  const { conversations, untilMs, days = 30, seed = 1, wild = false } = options;
  const crowd = options.crowd ?? (wild ? Math.min(1100, conversations >>> 2) : 0);
  const plan: SeedPlan = { seed, accountId, untilMs, spanMs: days * day * 1000 };
  const crowdedSecond = new Date(untilMs - plan.spanMs / 2).toISOString().slice(0, 19);
  for (let number = 0; number < conversations; number += 1) {
    const crowdedAt = crowdedTime(crowdedSecond, number, crowd);
    const seeded = new SeededConversation(plan, number, wild ? undefined : crowdedAt);
    yield wild ? new WildConversation(seeded, seed, number, crowdedAt) : seeded;
  }
}

/** The first `crowd` conversations share an instant, and as many more share its second; the others have times of their own. */
function crowdedTime(second: string, number: number, crowd: number): string | undefined {
  if (number >= crowd * 2) return undefined;
  const nanoseconds = number < crowd ? 500_000_000 : Math.floor(((number - crowd) / crowd) * 499_999_999);
  return `${second}.${String(nanoseconds).padStart(9, '0')}Z`;
}
