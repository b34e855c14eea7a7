// Operator results, the operators that make them, and the configurations that run those. A result follows from its id and
// its conversation alone, so that none need be held: the same id gives the same operator, format and text every time.

import type { JsonObject } from '../lib/json.ts';
import { createRandom, hashText, type Random } from '../lib/random.ts';
import type { WireConversation, WireConversationDetail } from '../twilio/wire.ts';
import { crockford, drawId, drawTimedId, timeOfId } from './ids.ts';
import { findOutcome } from './outcomes.ts';

export interface Operator {
  readonly id: string;
  readonly name: string;
  readonly version: number;
  readonly outputFormat: 'TEXT' | 'JSON' | 'CLASSIFICATION' | 'EXTRACTION';
  /** Of a JSON operator: the properties of what it answers. */
  readonly properties?: JsonObject;
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
const adherence = {
  adherent: { type: 'boolean', description: 'Whether the score is 0.75 or more' },
  score: { type: 'number', description: 'How much of the script the agents kept to, 0 to 1' },
};

/** All operators. */
export const operators: readonly [Operator, ...Operator[]] = [
  { id: drawId('intelligence_operator', random), name: 'Summary', version: 3, outputFormat: 'TEXT' },
  { id: drawId('intelligence_operator', random), name: 'Sentiment', version: 2, outputFormat: 'CLASSIFICATION' },
  { id: drawId('intelligence_operator', random), name: 'Entities', version: 1, outputFormat: 'EXTRACTION' },
  { id: drawId('intelligence_operator', random), name: 'Next best response', version: 5, outputFormat: 'TEXT' },
  {
    id: drawId('intelligence_operator', random),
    name: 'Script adherence',
    version: 1,
    outputFormat: 'JSON',
    properties: adherence,
  },
];

/** The intelligence configurations of seeded conversations. */
export const intelligenceConfigurationIds: readonly string[] = [1, 2, 3].map(() =>
  drawId('intelligence_configuration', random),
);

/** The operator of a result, by the result's id. */
export function operatorOf(resultId: string): Operator {
  return operators[hashText(resultId) % operators.length] ?? operators[0];
}

/** The id of a new result of an operator: its last character is chosen so that `operatorOf` finds it. */
export function drawResultId(operator: Operator, ms: number, random: Random): string {
  const id = drawTimedId('intelligence_operatorresult', ms, random);
  const ids = Array.from(crockford, (character) => id.slice(0, -1) + character);
  return ids.find((each) => operatorOf(each) === operator) ?? id;
}

/** Operators as the API lists them. */
export function operatorList(accountId: string): JsonObject[] {
  return operators.map(({ id, name, version, outputFormat, properties }) => ({
    id,
    displayName: name,
    description: `${name} of a conversation`,
    version,
    author: version > 2 ? 'TWILIO' : 'SELF',
    accountId,
    outputFormat,
    prompt: `Read the conversation. Answer with its ${name.toLowerCase()}.`,
    outputSchema:
      properties === undefined
        ? null
        : { type: 'object', properties, required: Object.keys(properties), additionalProperties: false },
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
        id: ruleId(at),
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
  const own = conversation.intelligenceConfigurationIds ?? [];
  const configuration = own[hash % Math.max(1, own.length)] ?? intelligenceConfigurationIds[0] ?? '';
  const at = resultTime(id, conversation);
  const result = findOutcome(operator.name, conversation);
  return {
    id,
    accountId: conversation.accountId ?? null,
    conversationId: conversation.id,
    intelligenceConfiguration: {
      id: configuration,
      ruleId: ruleId(intelligenceConfigurationIds.indexOf(configuration)),
      version: 1 + (hash % 4),
    },
    operator: { id: operator.id, version: operator.version, parameters: {} },
    outputFormat: operator.outputFormat,
    result,
    dateCreated: at,
    referenceIds: [],
    executionDetails: {
      trigger: { on: 'CONVERSATION_END', timestamp: at },
      communications: { first: communications.at(0)?.id ?? null, last: communications.at(-1)?.id ?? null },
      channels: [...(conversation.channels ?? [])],
      participants: (conversation.participants ?? []).map(({ id: participantId, type, profileId }) => ({
        id: participantId,
        type: type ?? null,
        ...(typeof profileId === 'string' && { profileId }),
      })),
      resolvedContext: null,
    },
    metadata: {
      system: {
        resolvedModel: 'gpt-4.1-mini',
        latencyMs: 200 + (hash % 1800),
        inputCharacters: communications.reduce((sum, { content }) => sum + (content?.text ?? '').length, 0),
        outputCharacters: JSON.stringify(result).length,
        inputTruncated: false,
      },
    },
  };
}

/** The only rule of the configuration at a place. */
function ruleId(at: number): string {
  return `intelligence_configurationrule_0${String(Math.max(0, at)).padStart(25, '0')}`;
}
