// What operators find in a conversation: it follows from what was said, in the conversation's language. A conversation may
// lack anything.

import type { JsonObject } from '../lib/json.ts';
import type { WireConversationDetail, WireParticipant } from '../twilio/wire.ts';
import { moodOf, offersHelp, phrasebooks } from './talk/languages.ts';
import type { Mood } from './talk/phrasebook.ts';

/** A conversation as an operator reads it. */
interface Talk {
  readonly subject: string;
  readonly texts: readonly string[];
  readonly customer: string | undefined;
  /** The agents who said something, in the order of their first words. */
  readonly agents: readonly WireParticipant[];
  readonly answers: readonly { readonly by: WireParticipant | undefined; readonly text: string }[];
  /** How the customer left; undefined without last words. */
  readonly mood: Mood | undefined;
  readonly isRedacted: boolean;
}

const agentTypes = ['HUMAN_AGENT', 'AGENT', 'AI_AGENT'];

/** What the operator of a name makes of a conversation; a summary unless the name is known. */
export function findOutcome(operatorName: string, conversation: WireConversationDetail): JsonObject {
  const talk = readTalk(conversation);
  switch (operatorName) {
    case 'Sentiment':
      return { label: sentimentOf(talk) };
    case 'Entities':
      return { entities: entitiesIn(talk) };
    case 'Script adherence':
      return adherenceOf(talk);
    case 'Next best response':
      return { text: nextResponse(talk) };
    default:
      return { text: summaryOf(talk) };
  }
}

function readTalk({ name, participants, communications }: WireConversationDetail): Talk {
  const byId = new Map((participants ?? []).map((participant) => [participant.id, participant]));
  const said = (communications ?? []).map(({ participantId, content }) => ({
    by: byId.get(participantId ?? ''),
    text: content?.text ?? '',
  }));
  const answered = said.filter(({ by }) => agentTypes.includes(by?.type ?? ''));
  const texts = said.map(({ text }) => text);
  return {
    subject: name ?? 'an open question',
    texts,
    customer: (participants ?? []).find(({ type }) => type === 'CUSTOMER')?.name ?? undefined,
    agents: [...new Set(answered.map(({ by }) => by))].filter((by) => by !== undefined),
    answers: answered,
    // Last words are near the end: a customer may have come back once more.
    mood: texts
      .slice(-5)
      .map(moodOf)
      .findLast((mood) => mood !== undefined),
    isRedacted: texts.includes('[redacted]'),
  };
}

function sentimentOf({ texts, mood, isRedacted }: Talk): Mood {
  return mood ?? (isRedacted || texts.length === 0 ? 'neutral' : 'negative');
}

/** The script: give a name, use the customer's, repeat an order, an amount or an address, and offer more help at the end. */
function adherenceOf({ agents, answers, customer }: Talk): JsonObject {
  const steps = [
    { worth: 35, isDone: answers.some(({ by, text }) => by === agents[0] && isNamed(by?.name, text)) },
    { worth: 15, isDone: answers.some(({ text }) => isNamed(customer?.split(' ')[0], text)) },
    { worth: 20, isDone: answers.some(({ text }) => /€\d|ORD-|#\d{5}|@example\.com/.test(text)) },
    { worth: 30, isDone: answers.some(({ text }) => offersHelp(text)) },
  ];
  const score = steps.reduce((sum, { worth, isDone }) => sum + (isDone ? worth : 0), 0) / 100;
  return { adherent: score >= 0.75, score };
}

function nextResponse(talk: Talk): string {
  const name = talk.customer ?? 'the customer';
  if (talk.agents.length === 0) return `Apologize to ${name} for the wait and answer about "${talk.subject}".`;
  const isUpset = sentimentOf(talk) === 'negative';
  return isUpset
    ? `Call ${name} back about "${talk.subject}" and offer to make up for the trouble.`
    : `Ask ${name} whether everything about "${talk.subject}" is settled.`;
}

function summaryOf(talk: Talk): string {
  const { agents, mood, subject } = talk;
  const asked = `${talk.customer ?? 'The customer'} asked about "${subject}"`;
  const [first, second] = agents.map(({ name }) => name ?? 'an agent');
  if (first === undefined) return `${asked}, and nobody answered.`;
  const helped = second === undefined ? `talked to ${first}` : `was passed on from ${first} to ${second}`;
  if (mood === undefined) return `${asked}, ${helped} and left before the end.`;
  const left = { positive: 'content', neutral: 'without complaint', negative: 'unhappy' }[mood];
  return `${asked}, ${helped} and left ${left}.`;
}

const places = [...new Set(phrasebooks.flatMap(({ cities }) => cities))];
const products = [...new Set(phrasebooks.flatMap((book) => book.products))];
const entity = new RegExp(
  [
    '(?<ORDER>\\bORD-\\d+)',
    '(?<AMOUNT>€\\d+\\.\\d\\d)',
    '(?<EMAIL>[\\w.]+@example\\.com)',
    `(?<PLACE>(?<!\\p{L})(?:${places.join('|')})(?!\\p{L}))`,
    `(?<PRODUCT>(?<!\\p{L})(?:${products.join('|')})(?!\\p{L}))`,
  ].join('|'),
  'gu',
);

/** The people, orders, amounts, addresses, places and products that are named, each once. */
function entitiesIn({ texts, customer, agents }: Talk): JsonObject[] {
  const text = texts.join('\n');
  const found = new Map<string, string>();
  const names = [customer?.split(' ')[0], ...agents.map(({ name }) => name)];
  for (const name of names) if (name && isNamed(name, text)) found.set(name, 'PERSON');
  for (const { groups = {} } of text.matchAll(entity)) {
    for (const [label, value] of Object.entries(groups)) if (value !== undefined) found.set(value, label);
  }
  return Array.from(found, ([value, label]) => ({ text: value, label }));
}

function isNamed(name: string | null | undefined, text: string): boolean {
  return Boolean(name) && text.includes(name ?? '');
}
