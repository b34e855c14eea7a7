// What a webhook says: which conversation has changed, and which operator results there are now. The body is a hint, never the
// truth: only ids are taken from it. Pure. A body of an unknown shape says nothing.

import { isJsonObject, type Json, type JsonObject } from '../lib/json.ts';

/** What a webhook announces. */
export interface Push {
  conversationId: string;
  /** Operator results that the conversation has to show. */
  resultIds: string[];
}

/** A body that says nothing, or is of another account, is passed over. */
export type Understood = { kind: 'push'; push: Push } | { kind: 'unknown' } | { kind: 'other_account' };

/** An id is no longer than that: it is a part of a URL and of a key. */
const longestId = 200;
const maxResults = 1000;

/** Reads a body. `accountSid`: whose conversations are synced. */
export function understand(body: Uint8Array, accountSid: string): Understood {
  const json = parse(body);
  if (!isJsonObject(json)) return { kind: 'unknown' };
  const { data } = json;
  const push = isJsonObject(data) && typeof json['eventType'] === 'string' ? fromEvent(json) : fromExecution(json);
  if (push === null) return { kind: 'unknown' };
  const accounts = [json['accountId'], ...(isJsonObject(data) ? [data['accountId']] : [])];
  const isOther = accounts.some((id) => typeof id === 'string' && id.toLowerCase() !== accountSid.toLowerCase());
  return isOther ? { kind: 'other_account' } : { kind: 'push', push };
}

/** A rule execution: `{accountId, conversationId, operatorResults: [{id, …}]}`. In older shapes the results may be missing. */
function fromExecution({ conversationId, operatorResults }: JsonObject): Push | null {
  if (!isId(conversationId)) return null;
  const results = Array.isArray(operatorResults) ? operatorResults.slice(0, maxResults) : [];
  const ids = results.flatMap((result) => (isJsonObject(result) && isId(result['id']) ? [result['id']] : []));
  return { conversationId, resultIds: [...new Set(ids)] };
}

/** A status callback: `{eventType, timestamp, data}`. What has changed is `data`: the conversation, or a part of it. */
function fromEvent({ eventType, data }: JsonObject): Push | null {
  if (!isJsonObject(data) || typeof eventType !== 'string') return null;
  const { conversationId, conversation, id } = data;
  const named = [
    conversationId,
    isJsonObject(conversation) ? conversation['id'] : undefined,
    eventType.startsWith('CONVERSATION_') ? id : undefined,
  ];
  const found = named.find(isId);
  return found === undefined ? null : { conversationId: found, resultIds: [] };
}

function isId(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.length <= longestId && value.isWellFormed();
}

function parse(body: Uint8Array): Json {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body)) as Json;
  } catch {
    return null;
  }
}
