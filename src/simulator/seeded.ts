// One seeded conversation: its number and the plan in, the whole value out, the same every time. Its head (everything
// but the communications) is cheap; the communications are generated only if needed. Each has a random stream of its
// own.

import { day } from '../lib/duration.ts';
import { createRandom, type Random } from '../lib/random.ts';
import type { WireCommunication, WireConversation, WireConversationDetail, WireParticipant } from '../twilio/wire.ts';
import type { Made } from './entry.ts';
import { drawId, drawSid, drawTimedId } from './ids.ts';
import { intelligenceConfigurationIds } from './results.ts';
import { names, subjects } from './talk.ts';
import { createTranscript, type Line } from './transcript.ts';

export interface SeedPlan {
  readonly seed: number;
  readonly accountId: string;
  /** Everything is before this instant, in ms since the epoch. */
  readonly untilMs: number;
  /** How long before it the first conversation may be, in ms. */
  readonly spanMs: number;
}

const channels = ['VOICE', 'SMS', 'RCS', 'EMAIL', 'WHATSAPP', 'CHAT', 'API', 'SYSTEM'];
const configurationIds = [1, 2, 3, 4].map((stream) => drawId('conv_configuration', createRandom(31, stream)));

/** The conversation of a seed with a number. */
export class SeededConversation implements Made {
  readonly id: string;
  readonly createdAt: string;
  readonly #plan: SeedPlan;
  readonly #number: number;

  /** `createdAt` replaces the conversation's own time. */
  constructor(plan: SeedPlan, number: number, createdAt?: string) {
    const random = createRandom(plan.seed, number * 2);
    this.#plan = plan;
    this.#number = number;
    this.id = drawId('conv_conversation', random);
    const ms = plan.untilMs - 1000 - Math.floor(random.next() * (plan.spanMs - 1000));
    this.createdAt = createdAt ?? timeOf(ms, random);
  }

  head(): WireConversation {
    const random = createRandom(this.#plan.seed, this.#number * 2 + 1);
    const subject = random.pick(subjects);
    const participants = drawParticipants(random);
    const startedMs = Date.parse(this.createdAt);
    const ageDays = (this.#plan.untilMs - startedMs) / 1000 / day;
    const status =
      ageDays < 1 / 8
        ? random.pick(['ACTIVE', 'INACTIVE', 'CLOSED'])
        : ageDays < 2 && random.chance(0.2)
          ? 'INACTIVE'
          : 'CLOSED';
    const updatedMs = Math.min(startedMs + random.int(120_000, 1_800_000), this.#plan.untilMs - 1);
    const results = status === 'CLOSED' ? random.int(0, 4) : 0;
    // The first soon after the end, others minutes later, none after the seed's end.
    const resultMs = (at: number) =>
      Math.min(updatedMs + 1000 + Math.floor(random.next() * (at + 1) * 240_000), this.#plan.untilMs - 1);
    return {
      id: this.id,
      accountId: this.#plan.accountId,
      name: subject.name,
      status,
      createdAt: this.createdAt,
      updatedAt: timeOf(updatedMs, random),
      intelligenceConfigurationIds: random.shuffle(intelligenceConfigurationIds).slice(0, random.int(1, 2)),
      conversationConfigurationId: random.pick(configurationIds),
      channels: random.shuffle(channels).slice(0, random.chance(0.15) ? 2 : 1),
      channelIds: [drawSid('CA', random)],
      participants,
      operatorResultIds: Array.from({ length: results }, (_, at) =>
        drawTimedId('intelligence_operatorresult', resultMs(at), random),
      ),
    };
  }

  whole(): WireConversationDetail {
    const { operatorResultIds, ...head } = this.head();
    const random = createRandom(this.#plan.seed ^ 0x7a1c, this.#number);
    return { ...head, communications: drawCommunications(head, random), operatorResultIds: operatorResultIds ?? [] };
  }
}

/** The customer, who answers, who takes over if anybody does, and sometimes a listener. */
export function drawParticipants(random: Random): WireParticipant[] {
  const [customer = '', agent = '', other = ''] = random.shuffle(names);
  const phone = `+1555${random.text('0123456789', 7)}`;
  const isAi = random.chance(0.45);
  const participants = [
    participant(random, customer, 'CUSTOMER', [phone]),
    isAi
      ? participant(random, 'Ava', 'AI_AGENT', ['ava@bots.example.com'])
      : participant(random, agent, random.chance(0.8) ? 'HUMAN_AGENT' : 'AGENT', [
          `sip:agent${random.int(1, 40)}@example.com`,
        ]),
  ];
  if (isAi && random.chance(0.6)) participants.push(participant(random, agent, 'HUMAN_AGENT', ['+15550100']));
  else if (random.chance(0.1)) participants.push(participant(random, other, 'UNKNOWN', []));
  return participants;
}

function participant(random: Random, name: string, type: string, addressValues: string[]): WireParticipant {
  return { id: drawId('conv_participant', random), name, type, addressValues };
}

function drawCommunications(head: WireConversation, random: Random): WireCommunication[] {
  const [customer, agent, third] = head.participants ?? [];
  const colleague = third?.type === 'HUMAN_AGENT' ? third : undefined;
  const subject = subjects.find(({ name }) => name === head.name);
  if (customer === undefined || agent === undefined || subject === undefined) return [];
  const cast = { customer: customer.name ?? '', agent: agent.name ?? '', colleague: colleague?.name ?? undefined };
  const lines = createTranscript(subject, cast, random);
  const said = head.status === 'CLOSED' ? lines : lines.slice(0, random.int(1, lines.length));
  const startedMs = Date.parse(head.createdAt);
  const stepMs = (Date.parse(head.updatedAt ?? head.createdAt) - startedMs) / (said.length + 1);
  const speakers: Record<Line['by'], WireParticipant> = { customer, agent, colleague: colleague ?? agent };
  return said.map(({ by, text }, index) => ({
    id: drawId('conv_communication', random),
    participantId: speakers[by].id,
    content: { text },
    createdAt: timeOf(startedMs + stepMs * (index + random.next() * 0.8), random),
  }));
}

/** The instant with nine fraction digits, of which the last six are random. */
function timeOf(ms: number, random: Random): string {
  return `${new Date(ms).toISOString().slice(0, 23)}${random.text('0123456789', 6)}Z`;
}
