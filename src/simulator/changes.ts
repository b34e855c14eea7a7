// Changes of a conversation, as pure functions: the value before in, the value after out. Each sets `updatedAt` to `at`,
// unless the change is silent, as some changes of the API are.

import type { WireCommunication, WireConversationDetail } from '../twilio/wire.ts';
import type { WireOperatorResult } from './results.ts';

/** Something has happened that the API pushes: to a conversation, or an operator result of it was made. */
export interface SourceEvent {
  type: 'CONVERSATION_CREATED' | 'CONVERSATION_UPDATED' | 'RESULT';
  id: string;
  result?: WireOperatorResult;
}

export interface Silence {
  /** Leaves `updatedAt` unchanged. */
  silent?: boolean;
}

/** Adds a communication at the end. */
export function withCommunication(
  conversation: WireConversationDetail,
  communication: WireCommunication,
  at: string,
  { silent = false }: Silence = {},
): WireConversationDetail {
  const communications = [...(conversation.communications ?? []), communication];
  return touched({ ...conversation, communications }, at, silent);
}

/** Changes the status. */
export function withStatus(
  conversation: WireConversationDetail,
  status: string,
  at: string,
  { silent = false }: Silence = {},
): WireConversationDetail {
  return touched({ ...conversation, status }, at, silent);
}

/** Adds an operator result. */
export function withResult(
  conversation: WireConversationDetail,
  resultId: string,
  at: string,
  { silent = false }: Silence = {},
): WireConversationDetail {
  const operatorResultIds = [...(conversation.operatorResultIds ?? []), resultId];
  return touched({ ...conversation, operatorResultIds }, at, silent);
}

/** Without the link to an operator result. */
export function withoutResult(
  conversation: WireConversationDetail,
  resultId: string,
  at: string,
  { silent = false }: Silence = {},
): WireConversationDetail {
  const operatorResultIds = (conversation.operatorResultIds ?? []).filter((id) => id !== resultId);
  return touched({ ...conversation, operatorResultIds }, at, silent);
}

/** Removes a participant; their communications stay. */
export function withoutParticipant(
  conversation: WireConversationDetail,
  participantId: string,
  at: string,
  { silent = false }: Silence = {},
): WireConversationDetail {
  const participants = (conversation.participants ?? []).filter((participant) => participant.id !== participantId);
  return touched({ ...conversation, participants }, at, silent);
}

/** Replaces the text of one communication, or of all. */
export function redacted(
  conversation: WireConversationDetail,
  at: string,
  { communicationId, text = '[redacted]', silent = false }: Silence & { communicationId?: string; text?: string } = {},
): WireConversationDetail {
  const communications = (conversation.communications ?? []).map((communication) =>
    communicationId === undefined || communication.id === communicationId
      ? { ...communication, content: { ...communication.content, text } }
      : communication,
  );
  return touched({ ...conversation, communications }, at, silent);
}

function touched(conversation: WireConversationDetail, at: string, silent: boolean): WireConversationDetail {
  return silent ? conversation : { ...conversation, updatedAt: at };
}
