// The Conversational Intelligence API v3 on the wire, as its reference and the official Node client describe it. A real
// answer may lack any of it or hold more: these types say what is documented, the decoder what the program relies on.

export interface WireCommunication {
  id: string;
  participantId?: string | null;
  content?: { text?: string | null; [field: string]: unknown } | null;
  createdAt?: string | null;
  [field: string]: unknown;
}

export interface WireParticipant {
  id: string;
  name?: string | null;
  type?: string | null;
  addressValues?: string[] | null;
  [field: string]: unknown;
}

/** A conversation as the list has it: the detail without `communications`. */
export interface WireConversation {
  id: string;
  accountId?: string | null;
  name?: string | null;
  status?: string | null;
  createdAt: string;
  updatedAt?: string | null;
  intelligenceConfigurationIds?: string[] | null;
  conversationConfigurationId?: string | null;
  channels?: string[] | null;
  channelIds?: string[] | null;
  participants?: WireParticipant[] | null;
  operatorResultIds?: string[] | null;
  [field: string]: unknown;
}

/** A conversation as its detail has it. */
export interface WireConversationDetail extends WireConversation {
  communications?: WireCommunication[] | null;
}

export interface WirePage {
  items: WireConversation[];
  meta: { key: 'items'; pageSize: number; nextToken?: string | null };
}

export interface WireError {
  code: number;
  message: string;
  status: number;
}
