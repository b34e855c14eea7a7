// A seeded conversation as it is met in the wild: values missing, null, repeated, new, huge, and text that Postgres
// does not take. Wraps one conversation and bends it the same way every time it is read.
// Numbers a double cannot hold are raw JSON (`JSON.rawJSON`): they are served digit by digit.

import { rawNumber } from '../lib/lossless-json.ts';
import { createRandom, type Random } from '../lib/random.ts';
import type { WireCommunication, WireConversation, WireConversationDetail, WireParticipant } from '../twilio/wire.ts';
import type { Made } from './entry.ts';
import type { SeededConversation } from './seeded.ts';

const nul = '\u0000';
const loneHigh = '\ud83d';
const loneLow = '\ude00';
const hugeLength = 100_000;

/** How likely each oddity is, by conversation, participant or communication: all of them show among a few hundred. */
const seldom = 0.04;
const rare = 0.0008;

/** A conversation of a seed, bent by its number. */
export class WildConversation implements Made {
  readonly id: string;
  readonly createdAt: string;
  readonly #seeded: SeededConversation;
  readonly #seed: number;
  readonly #number: number;

  /** `crowdedAt` takes the place of `createdAt` where it is given. */
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
    bent.operatorResultIds = bendTexts(head.operatorResultIds ?? [], random, ['LY00000000000000000000000000000000']);
    if (random.chance(seldom)) bent.conversationConfigurationId = null;
    bendText(bent, 'name', random);
    const arrays = ['participants', 'channels', 'channelIds', 'intelligenceConfigurationIds', 'operatorResultIds'];
    for (const field of arrays) bendArray(bent, field, random);
    return random.chance(0.1) ? { ...bent, ...newFields(random) } : bent;
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

/** Text that is missing, null, empty, odd or huge. */
function bendText(value: Record<string, unknown>, field: string, random: Random): void {
  const text = String(value[field] ?? '');
  const roll = random.next();
  if (roll < rare) value[field] = `${text} ${'All work and no play. '.repeat(hugeLength / 22)}`;
  else if (roll < seldom / 2) value[field] = null;
  else if (roll < seldom) delete value[field];
  else if (roll < seldom * 2) value[field] = oddText(text, random);
}

function oddText(text: string, random: Random): string {
  const middle = text.length >>> 1;
  const odd = random.pick([nul, loneHigh, loneLow, loneLow + loneHigh, '', '👩🏽‍💻 \u202eאבג', '\u2028"\\', '\ufffd']);
  return odd === '' ? '' : text.slice(0, middle) + odd + text.slice(middle);
}

/** Texts with one repeated, or one nobody has heard of. */
function bendTexts(texts: readonly string[], random: Random, unheard: readonly string[]): string[] {
  const bent = random.chance(seldom) ? [...texts, random.pick(unheard)] : [...texts];
  return random.chance(seldom) ? withRepeated(bent, random, (text) => text) : bent;
}

/** An array that is missing, null or empty. */
function bendArray(value: Record<string, unknown>, field: string, random: Random): void {
  const roll = random.next() / (seldom / 2);
  if (roll < 1) value[field] = null;
  else if (roll < 2) delete value[field];
  else if (roll < 3) value[field] = [];
}

function withRepeated<T>(values: readonly T[], random: Random, again: (value: T) => T): T[] {
  if (values.length === 0) return [];
  const repeated = again(random.pick(values));
  const position = random.int(1, values.length);
  return [...values.slice(0, position), repeated, ...values.slice(position)];
}

function newFields(random: Random): Record<string, unknown> {
  const fields: Record<string, unknown> = {
    language: random.pick(['en-US', 'de-DE', null]),
    analytics: {
      tokens: rawNumber('9007199254740993123'),
      score: rawNumber('0.1234567890123456789012345'),
      tiny: rawNumber('1.5e-310'),
      negativeZero: rawNumber('-0.0'),
      steps: [{ name: 'detect', took: rawNumber('12.50') }, [], {}, null, true],
    },
    labels: ['b', 'a', 'b'],
    constructor: 'not a function',
    [`odd${nul}key`]: `${loneHigh}value${nul}`,
    'ключ "quoted"': { '': false },
  };
  return Object.fromEntries(Object.entries(fields).filter(() => random.chance(0.6)));
}

/** The time with 0 to 9 of its fraction digits. */
function fewerDigits(time: string, random: Random): string {
  const digits = random.int(0, 9);
  return digits === 0 ? `${time.slice(0, 19)}Z` : `${time.slice(0, 20 + digits)}Z`;
}

function undocumentedId(random: Random): string {
  const hex = (length: number) => random.text('0123456789abcdef', length);
  const uuid = `${hex(8)}-${hex(4)}-${hex(4)}-${hex(4)}-${hex(12)}`;
  return random.pick([`conv_conversation_${uuid}`, uuid, `CONV.${hex(60)}`, `conv~${hex(10)}`]);
}
