// A seeded conversation with the oddities of real data: values that are missing, null, repeated, unknown or huge, and
// text that Postgres cannot store. The same conversation always has the same oddities. Numbers that a double cannot hold
// are raw JSON (`JSON.rawJSON`), sent digit by digit.

import { rawNumber } from '../lib/lossless-json.ts';
import { createRandom, hashText, type Random } from '../lib/random.ts';
import type { WireCommunication, WireConversation, WireConversationDetail, WireParticipant } from '../twilio/wire.ts';
import type { Made } from './entry.ts';
import { bendArray, bendText, bendTexts, fewerDigits, newFields, seldom, withRepeated } from './odd-values.ts';
import { createResult, type WireOperatorResult } from './results.ts';
import type { SeededConversation } from './seeded.ts';
import { bendResult } from './wild-result.ts';

/** The conversation of a seed with a number, with oddities. */
export class WildConversation implements Made {
  readonly id: string;
  readonly createdAt: string;
  readonly #seeded: SeededConversation;
  readonly #seed: number;
  readonly #number: number;

  /** `crowdedAt` replaces `createdAt` if it is given. */
  constructor(seeded: SeededConversation, seed: number, number: number, crowdedAt: string | undefined) {
    const random = createRandom(seed ^ 0x311d, number);
    this.#seeded = seeded;
    this.#seed = seed;
    this.#number = number;
    this.id = random.chance(0.1) ? undocumentedId(random) : seeded.id;
    this.createdAt = crowdedAt ?? fewerDigits(seeded.createdAt, random);
  }

  head(): WireConversation {
    const random = createRandom(this.#seed ^ 0x3ead, this.#number);
    const head = this.#seeded.head();
    const updatedAt = fewerDigits(head.updatedAt ?? this.createdAt, random);
    const bent: WireConversation = { ...head, id: this.id, createdAt: this.createdAt, updatedAt };
    if (random.chance(seldom)) bent.status = random.pick(['PAUSED', 'ARCHIVED', 'in review']);
    bent.participants = bendParticipants(head.participants ?? [], random);
    bent.channels = bendTexts(head.channels ?? [], random, ['FAX', 'TELEGRAM', 'X-RAY']);
    bent.channelIds = bendTexts(head.channelIds ?? [], random, ['CA-not-a-sid', '']);
    bent.intelligenceConfigurationIds = bendTexts(head.intelligenceConfigurationIds ?? [], random, ['legacy:1']);
    bent.operatorResultIds = bendTexts(head.operatorResultIds ?? [], random, [this.#olderResultId()]);
    if (random.chance(seldom)) bent.conversationConfigurationId = null;
    bendText(bent, 'name', random);
    const arrays = ['participants', 'channels', 'channelIds', 'intelligenceConfigurationIds', 'operatorResultIds'];
    for (const field of arrays) bendArray(bent, field, random);
    return random.chance(0.1) ? { ...bent, ...newFields(random) } : bent;
  }

  result(id: string, whole: WireConversationDetail): WireOperatorResult {
    return bendResult(createResult(id, whole), createRandom(this.#seed ^ 0x4e50, hashText(id)));
  }

  /** From before ids told the time. */
  #olderResultId(): string {
    return `LY${createRandom(this.#seed ^ 0x1717, this.#number).text('0123456789abcdef', 32)}`;
  }

  whole(): WireConversationDetail {
    const random = createRandom(this.#seed ^ 0x3a11, this.#number);
    const communications = this.#seeded.whole().communications ?? [];
    const bent: WireConversationDetail = { ...this.head(), communications: bendCommunications(communications, random) };
    bendArray(bent, 'communications', random);
    return bent;
  }
}

function bendParticipants(participants: readonly WireParticipant[], random: Random): WireParticipant[] {
  const bent = participants.map((participant) => {
    const other: WireParticipant = { ...participant };
    bendText(other, 'name', random);
    if (random.chance(seldom)) other.type = random.pick(['SUPERVISOR', 'TRANSLATOR', null]);
    if (random.chance(seldom)) delete other.type;
    other.addressValues = bendTexts(participant.addressValues ?? [], random, ['', 'client:anonymous']);
    bendArray(other, 'addressValues', random);
    return random.chance(seldom) ? { ...other, ...newFields(random) } : other;
  });
  return random.chance(seldom)
    ? withRepeated(bent, random, (participant) => ({ ...participant, name: 'Again' }))
    : bent;
}

function bendCommunications(communications: readonly WireCommunication[], random: Random): WireCommunication[] {
  const bent = communications.map((communication) => {
    const other = { ...communication, createdAt: fewerDigits(communication.createdAt ?? '', random) };
    if (random.chance(seldom / 4)) other.participantId = `conv_participant_gone${random.text('0123456789', 6)}`;
    if (random.chance(seldom / 4)) other.participantId = null;
    return bendContent(other, random);
  });
  return random.chance(seldom) ? withRepeated(bent, random, (said) => ({ ...said, content: { text: 'Again' } })) : bent;
}

function bendContent(communication: WireCommunication, random: Random): WireCommunication {
  const { content, ...bare } = communication;
  if (random.chance(seldom / 4)) return bare;
  if (random.chance(seldom / 4)) return { ...bare, content: null };
  const bent = { ...content };
  bendText(bent, 'text', random);
  if (random.chance(seldom))
    Object.assign(bent, { language: 'en-US', confidence: rawNumber('0.98765432109876543210987') });
  return { ...communication, content: bent, ...(random.chance(seldom / 2) ? newFields(random) : undefined) };
}

function undocumentedId(random: Random): string {
  const hex = (length: number) => random.text('0123456789abcdef', length);
  const uuid = `${hex(8)}-${hex(4)}-${hex(4)}-${hex(4)}-${hex(12)}`;
  return random.pick([`conv_conversation_${uuid}`, uuid, `CONV.${hex(60)}`, `conv~${hex(10)}`]);
}
