// A conversation as the API holds it, read the way the tables have it: what a test computes its expectations from.
// Repeated ids and values once, absent arrays empty, text as Postgres can hold it, times in microseconds.

import type { WireConversationDetail, WireParticipant } from '../src/twilio/wire.ts';

export const agentTypes = ['HUMAN_AGENT', 'AGENT', 'AI_AGENT'];

export interface Held {
  id: string;
  status: string | null;
  createdMs: number;
  channels: string[];
  configurations: string[];
  results: number;
  participants: Map<string, WireParticipant>;
  communications: { id: string; participantId: string | null; text: string | null; us: bigint | null }[];
}

/** Reads one. */
export function holds(conversation: WireConversationDetail): Held {
  const { id, status, createdAt } = conversation;
  const once = (values: string[] | null | undefined) => [...new Set((values ?? []).map(clean))];
  const participants = new Map<string, WireParticipant>();
  for (const each of conversation.participants ?? []) {
    if (!participants.has(each.id)) participants.set(each.id, { ...each, addressValues: once(each.addressValues) });
  }
  const communications = new Map<string, Held['communications'][number]>();
  for (const { id: key, participantId = null, content, createdAt: at } of conversation.communications ?? []) {
    const text = content?.text;
    if (communications.has(key)) continue;
    communications.set(key, {
      id: key,
      participantId,
      text: typeof text === 'string' ? clean(text) : null,
      us: at ? microseconds(at) : null,
    });
  }
  return {
    id,
    status: status ?? null,
    createdMs: Number(microseconds(createdAt) / 1000n),
    channels: once(conversation.channels),
    configurations: once(conversation.intelligenceConfigurationIds),
    results: once(conversation.operatorResultIds).length,
    participants,
    communications: [...communications.values()],
  };
}

/** What Postgres cannot hold, replaced. */
export function clean(text: string): string {
  return text.replaceAll('\u0000', '\ufffd').toWellFormed();
}

function microseconds(time: string): bigint {
  const [, whole = '', fraction = ''] = /^(.{19})(?:\.(\d+))?Z$/.exec(time) ?? [];
  return BigInt(Date.parse(`${whole}Z`)) * 1000n + BigInt(fraction.padEnd(6, '0').slice(0, 6));
}
