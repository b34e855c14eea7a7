// One seeded conversation: its number and the plan in, the whole value out, the same every time. Its head (everything
// but the communications) is cheap; the communications are generated only if needed. Each has random streams of its own.

import { day, hour } from '../lib/duration.ts';
import { createRandom, type Random } from '../lib/random.ts';
import type { WireCommunication, WireConversation, WireConversationDetail } from '../twilio/wire.ts';
import { drawEncounter, type Encounter } from './encounter.ts';
import type { Made } from './entry.ts';
import { drawId, drawSid } from './ids.ts';
import { busyness, type Customer, customerOf } from './people.ts';
import { drawResultId, intelligenceConfigurationIds, operators } from './results.ts';
import { createTranscript } from './transcript.ts';

export interface SeedPlan {
  readonly seed: number;
  readonly accountId: string;
  /** Everything is before this instant, in ms since the epoch. */
  readonly untilMs: number;
  /** How long before it the first conversation may be, in ms. */
  readonly spanMs: number;
  /** As many at night as by day, and on Sundays as on Mondays. */
  readonly isEven?: boolean;
}

interface Start {
  readonly id: string;
  readonly atMs: number;
  /** The rest of the conversation's stream. */
  readonly random: Random;
}

/** Every so many conversations, one has the customer of the one before, who comes again within a week. */
const again = 6;
/** So many conversations in a row share so many customers. */
const block = { conversations: 4 * again, customers: 14 };

const channels = ['VOICE', 'CHAT', 'WHATSAPP', 'SMS', 'EMAIL', 'RCS', 'API', 'SYSTEM'];
const shares = [17, 10, 7, 6, 5, 2, 2, 1];
const channelPool = channels.flatMap((channel, at) => new Array<string>(shares[at] ?? 0).fill(channel));
const configurationIds = [1, 2, 3, 4].map((stream) => drawId('conv_configuration', createRandom(31, stream)));

/** The conversation of a seed with a number. */
export class SeededConversation implements Made {
  readonly id: string;
  readonly createdAt: string;
  readonly #plan: SeedPlan;
  readonly #number: number;

  /** `createdAt` replaces the conversation's own time. */
  constructor(plan: SeedPlan, number: number, createdAt?: string) {
    const { id, atMs, random } = drawStart(plan, number);
    this.#plan = plan;
    this.#number = number;
    this.id = id;
    this.createdAt = createdAt ?? timeOf(atMs, random);
  }

  head(): WireConversation {
    return this.#draw().head;
  }

  whole(): WireConversationDetail {
    const { head, encounter } = this.#draw();
    const { operatorResultIds, ...rest } = head;
    const random = createRandom(this.#plan.seed ^ 0x7a1c, this.#number);
    return {
      ...rest,
      communications: drawCommunications(head, encounter, random),
      operatorResultIds: operatorResultIds ?? [],
    };
  }

  #draw(): { head: WireConversation; encounter: Encounter } {
    const { seed, accountId, untilMs } = this.#plan;
    const random = createRandom(seed, this.#number * 2 + 1);
    const startedMs = Date.parse(this.createdAt);
    const ownChannels = drawChannels(random);
    const customer = customerOf(seed, customerNumber(seed, this.#number));
    const encounter = drawEncounter(random, customer, ownChannels[0] ?? '', startedMs);
    const status = drawStatus((untilMs - startedMs) / 1000 / day, random);
    const updatedMs = Math.min(startedMs + random.int(120_000, 1_800_000), untilMs - 1);
    const head = {
      id: this.id,
      accountId,
      name: encounter.subject.name,
      status,
      createdAt: this.createdAt,
      updatedAt: timeOf(updatedMs, random),
      intelligenceConfigurationIds: random.shuffle(intelligenceConfigurationIds).slice(0, random.int(1, 2)),
      conversationConfigurationId: random.pick(configurationIds),
      channels: ownChannels,
      channelIds: [drawSid('CA', random)],
      participants: encounter.participants,
      operatorResultIds: status === 'CLOSED' ? drawResultIds(updatedMs, untilMs, random) : [],
      ...(random.chance(0.1) && { attributes: { priority: random.pick(['high', 'low']), source: 'campaign' } }),
    };
    return { head, encounter };
  }
}

function drawStart(plan: SeedPlan, number: number): Start {
  const { seed, untilMs, spanMs } = plan;
  const random = createRandom(seed, number * 2);
  const id = drawId('conv_conversation', random);
  if (plan.isEven) return { id, atMs: untilMs - 1000 - Math.floor(random.next() * (spanMs - 1000)), random };
  const { market } = customerOf(seed, customerNumber(seed, number));
  if (isAgain(number)) {
    const fromMs = drawStart(plan, number - 1).atMs + hour * 1000;
    const atMs = drawBusyTime(market, fromMs, 6 * day * 1000, random);
    if (atMs < untilMs - 1000) return { id, atMs, random };
  }
  return { id, atMs: drawBusyTime(market, untilMs - spanMs, spanMs - 1000, random), random };
}

/** An instant in a range of time, more often one at which much happens. */
function drawBusyTime(market: Customer['market'], fromMs: number, spanMs: number, random: Random): number {
  for (let tries = 0; ; tries += 1) {
    const atMs = fromMs + Math.floor(random.next() * spanMs);
    if (random.chance(busyness(market, atMs)) || tries === 50) return atMs;
  }
}

function isAgain(number: number): boolean {
  return number % again === again - 1;
}

function customerNumber(seed: number, number: number): number {
  const own = isAgain(number) ? number - 1 : number;
  const among = createRandom(seed ^ 0xb10c, own).int(0, block.customers - 1);
  return Math.floor(own / block.conversations) * block.customers + among;
}

function drawChannels(random: Random): string[] {
  const first = random.pick(channelPool);
  if (!random.chance(0.15)) return [first];
  return [first, random.pick(channels.filter((channel) => channel !== first))];
}

function drawStatus(ageDays: number, random: Random): string {
  if (ageDays < 1 / 8) return random.pick(['ACTIVE', 'INACTIVE', 'CLOSED']);
  return ageDays < 2 && random.chance(0.2) ? random.pick(['ACTIVE', 'INACTIVE', 'INACTIVE']) : 'CLOSED';
}

/** Results of as many operators; seldom one runs again. The first soon after the end, others minutes later, none after the seed's end. */
function drawResultIds(endedMs: number, untilMs: number, random: Random): string[] {
  const ran = random.shuffle(operators).slice(0, random.int(0, 4));
  const last = ran.at(-1);
  if (last !== undefined && ran.length > 1 && random.chance(0.1)) ran[0] = last;
  return ran.map((operator, at) => {
    const atMs = Math.min(endedMs + 1000 + Math.floor(random.next() * (at + 1) * 240_000), untilMs - 1);
    return drawResultId(operator, atMs, random);
  });
}

function drawCommunications(head: WireConversation, encounter: Encounter, random: Random): WireCommunication[] {
  const lines = createTranscript(encounter, random);
  const said = head.status === 'CLOSED' ? lines : lines.slice(0, random.int(1, lines.length));
  const startedMs = Date.parse(head.createdAt);
  const waits = said.map(({ pace }) => pace * (0.4 + random.next()));
  const unitMs =
    (Date.parse(head.updatedAt ?? head.createdAt) - startedMs) / (waits.reduce((sum, wait) => sum + wait, 0) + 0.5);
  const { language } = encounter.customer.market;
  // A call's transcription names its language; of what was written, only what is not English was looked at.
  const detected = encounter.isCall || !language.startsWith('en') ? { language } : {};
  let atMs = startedMs;
  return said.map(({ participantId, text }, index) => {
    atMs += (waits[index] ?? 0) * unitMs;
    return {
      id: drawId('conv_communication', random),
      participantId,
      content: { text, ...detected },
      createdAt: timeOf(atMs, random),
    };
  });
}

/** The instant with nine fraction digits, of which the last six are random. */
function timeOf(ms: number, random: Random): string {
  return `${new Date(ms).toISOString().slice(0, 23)}${random.text('0123456789', 6)}Z`;
}
