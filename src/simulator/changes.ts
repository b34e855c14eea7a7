// What can happen to a conversation, as pure functions: the value before in, the value after out. Each moves
// `updatedAt` to `at`, unless it is told to be silent, as the API is at times.

import type { WireCommunication, WireConversationDetail } from '../twilio/wire.ts';

export interface Silence {
  /** Leaves `updatedAt` where it was. */
  silent?: boolean;
}

/** Another communication at the end. */
export function withCommunication(
  conversation: WireConversationDetail,
  communication: WireCommunication,
  at: string,
  { silent = false }: Silence = {},
): WireConversationDetail {
  const communications = [...(conversation.communications ?? []), communication];
  return touched({ ...conversation, communications }, at, silent);
}

/** Another status: closed, active again, inactive. */
export function withStatus(
  conversation: WireConversationDetail,
  status: string,
  at: string,
  { silent = false }: Silence = {},
): WireConversationDetail {
  return touched({ ...conversation, status }, at, silent);
}

/** Another operator result. */
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

/** Without a participant; what they said stays. */
export function withoutParticipant(
  conversation: WireConversationDetail,
  participantId: string,
  at: string,
  { silent = false }: Silence = {},
): WireConversationDetail {
  const participants = (conversation.participants ?? []).filter((participant) => participant.id !== participantId);
  return touched({ ...conversation, participants }, at, silent);
}

/** With the text of one communication, or of all of them, replaced. */
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
