// Operator results, the operators that make them, and the configurations that run those. A result follows from its id and
// its conversation alone, so that none need be held: the same id gives the same operator, format and text every time.

import type { JsonObject } from '../lib/json.ts';
import { createRandom, hashText } from '../lib/random.ts';
import type { WireConversation, WireConversationDetail } from '../twilio/wire.ts';
import { drawId, timeOfId } from './ids.ts';
import { cities, products } from './talk.ts';

export interface Operator {
  readonly id: string;
  readonly name: string;
  readonly version: number;
  readonly outputFormat: 'TEXT' | 'JSON' | 'CLASSIFICATION' | 'EXTRACTION';
}

/** A result as the API answers it: all but the first three may be null, missing or of another shape. */
export interface WireOperatorResult {
  id: string;
  conversationId: string;
  dateCreated: string;
  [field: string]: unknown;
}

/** A result with everything that the reference documents. */
export interface CompleteResult extends WireOperatorResult {
  accountId: string | null;
  intelligenceConfiguration: { id: string; ruleId: string; version: number };
  operator: { id: string; version: number; parameters: JsonObject };
  outputFormat: Operator['outputFormat'];
  result: JsonObject;
  referenceIds: string[];
  executionDetails: JsonObject;
  metadata: { system: JsonObject };
}

const random = createRandom(20_260_115);

/** All operators. */
export const operators: readonly [Operator, ...Operator[]] = [
  { id: drawId('intelligence_operator', random), name: 'Summary', version: 3, outputFormat: 'TEXT' },
  { id: drawId('intelligence_operator', random), name: 'Sentiment', version: 2, outputFormat: 'CLASSIFICATION' },
  { id: drawId('intelligence_operator', random), name: 'Entities', version: 1, outputFormat: 'EXTRACTION' },
  { id: drawId('intelligence_operator', random), name: 'Next best response', version: 5, outputFormat: 'TEXT' },
  { id: drawId('intelligence_operator', random), name: 'Script adherence', version: 1, outputFormat: 'JSON' },
];

/** The intelligence configurations of seeded conversations. */
export const intelligenceConfigurationIds: readonly string[] = [1, 2, 3].map(() =>
  drawId('intelligence_configuration', random),
);

/** The operator of a result, by the result's id. */
export function operatorOf(resultId: string): Operator {
  return operators[hashText(resultId) % operators.length] ?? operators[0];
}

/** Operators as the API lists them. */
export function operatorList(accountId: string): JsonObject[] {
  return operators.map(({ id, name, version, outputFormat }) => ({
    id,
    displayName: name,
    description: `${name} of a conversation`,
    version,
    author: version > 2 ? 'TWILIO' : 'SELF',
    accountId,
    outputFormat,
    prompt: `Read the conversation. Answer with its ${name.toLowerCase()}.`,
    outputSchema:
      outputFormat === 'JSON'
        ? { type: 'object', properties: { adherent: { type: 'boolean' }, score: { type: 'number' } } }
        : null,
    trainingExamples: [],
    context: null,
    parameters: {},
    dateCreated: '2025-11-03T09:12:45.120Z',
    dateUpdated: `2026-01-0${version}T16:20:03.402118Z`,
  }));
}

/** Intelligence configurations as the API lists them. */
export function configurationList(accountId: string): JsonObject[] {
  return intelligenceConfigurationIds.map((id, at) => ({
    accountId,
    id,
    displayName: ['Support', 'Sales', 'Quality'][at] ?? 'Other',
    description: 'What is found out about each conversation',
    version: 4,
    rules: [
      {
        id: `intelligence_configurationrule_0${String(at).padStart(25, '0')}`,
        operators: operators.map((operator) => ({ id: operator.id, version: operator.version, parameters: {} })),
        triggers: [{ on: 'CONVERSATION_END' }],
        actions: [],
        context: null,
      },
    ],
    dateCreated: '2025-11-03T09:15:00Z',
    dateUpdated: '2026-01-12T08:00:00.000001Z',
  }));
}

/** When a result was made: by its id, else when its conversation last moved. */
export function resultTime(id: string, conversation: WireConversation): string {
  const ms = timeOfId(id);
  if (ms === undefined) return conversation.updatedAt ?? conversation.createdAt;
  return `${new Date(ms).toISOString().slice(0, 23)}${String(hashText(id, 3) % 1_000_000).padStart(6, '0')}Z`;
}

/** The result with an id, of a conversation. */
export function createResult(id: string, conversation: WireConversationDetail): CompleteResult {
  const operator = operatorOf(id);
  const hash = hashText(id, 7);
  const communications = conversation.communications ?? [];
  const configurations = conversation.intelligenceConfigurationIds ?? [];
  const at = resultTime(id, conversation);
  return {
    id,
    accountId: conversation.accountId ?? null,
    conversationId: conversation.id,
    intelligenceConfiguration: {
      id: configurations[hash % Math.max(1, configurations.length)] ?? intelligenceConfigurationIds[0] ?? '',
      ruleId: `intelligence_configurationrule_0${String(hash).padStart(25, '0')}`,
      version: 1 + (hash % 4),
    },
    operator: { id: operator.id, version: operator.version, parameters: {} },
    outputFormat: operator.outputFormat,
    result: outcome(operator, conversation, hash),
    dateCreated: at,
    referenceIds: [],
    executionDetails: {
      trigger: { on: 'CONVERSATION_END', timestamp: at },
      communications: { first: communications.at(0)?.id ?? null, last: communications.at(-1)?.id ?? null },
      channels: [...(conversation.channels ?? [])],
      participants: (conversation.participants ?? []).map(({ id: participantId, type }) => ({
        id: participantId,
        type: type ?? null,
      })),
      resolvedContext: null,
    },
    metadata: {
      system: {
        resolvedModel: 'gpt-4.1-mini',
        latencyMs: 200 + (hash % 1800),
        inputCharacters: 500 + (hash % 9000),
        outputCharacters: 20 + (hash % 400),
        inputTruncated: false,
      },
    },
  };
}

/** What an operator makes of a conversation: it follows from what was said, and where that does not tell, from the hash. */
function outcome(operator: Operator, conversation: WireConversationDetail, hash: number): JsonObject {
  const subject = conversation.name ?? 'an open question';
  const [customer, agent] = conversation.participants ?? [];
  const name = customer?.name ?? 'The customer';
  const said = (conversation.communications ?? []).map(({ content }) => content?.text ?? '');
  switch (operator.name) {
    case 'Sentiment': {
      const isComplaint = said.some((text) => /\bsorry\b/i.test(text));
      return { label: ['neutral', isComplaint ? 'negative' : 'positive', 'positive', 'negative'][hash % 4] ?? '' };
    }
    case 'Entities':
      return { entities: [{ text: name, label: 'PERSON' }, ...entitiesIn(said.join('\n'))] };
    case 'Script adherence': {
      const score = (50 + (hash % 51)) / 100;
      return { adherent: score >= 0.75, score };
    }
    case 'Next best response':
      return { text: `Ask ${name} whether everything about "${subject}" is settled.` };
    default:
      return { text: `${name} asked about "${subject}" and was helped by ${agent?.name ?? 'an agent'}.` };
  }
}

const entity = new RegExp(
  [
    '(?<ORDER>\\bORD-\\d+)',
    '(?<AMOUNT>€\\d+\\.\\d\\d)',
    '(?<EMAIL>[\\w.]+@example\\.com)',
    `(?<PLACE>\\b(?:${cities.join('|')})\\b)`,
    `(?<PRODUCT>\\b(?:${products.join('|')})\\b)`,
  ].join('|'),
  'gu',
);

/** The orders, amounts, addresses, places and products that a text names, each once. */
function entitiesIn(text: string): JsonObject[] {
  const found = new Map<string, string>();
  for (const { groups = {} } of text.matchAll(entity)) {
    for (const [label, value] of Object.entries(groups)) if (value !== undefined) found.set(value, label);
  }
  return Array.from(found, ([value, label]) => ({ text: value, label }));
}
