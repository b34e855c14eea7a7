// A conversation's detail in, its rows out. Every field of the answer ends in a column or in `extra`: nothing the API
// said is thrown away. Pure; what cannot be a row (a key no index can hold) is an Unstorable.

import { isJsonObject, type Json, type JsonObject } from '../lib/json.ts';
import { isRawNumber } from '../lib/lossless-json.ts';
import { storableJson, storableText } from '../lib/storable.ts';
import { toMicroseconds } from '../lib/timestamp.ts';
import type { Detail } from '../twilio/decode.ts';
import { Unstorable } from './model.ts';

/** Goes up when the same detail gives other rows; rows of an older version are then made anew, gradually. */
export const normalizerVersion = 1;

/** All columns of a key together: a B-tree entry holds 2,704 bytes, of which some are overhead. */
export const maxKeyBytes = 2600;

export interface ParticipantRow {
  id: string;
  position: number;
  name: string | null;
  type: string | null;
  extra: string | null;
  /** Null: the detail did not say. */
  addresses: string[] | null;
}

export interface CommunicationRow {
  id: string;
  position: number;
  participantId: string | null;
  text: string | null;
  createdAt: string | null;
  extra: string | null;
}

/** Times are RFC 3339 cut to the microsecond, `extra` is JSON text; a null array is one the detail did not have. */
export interface ConversationRows {
  id: string;
  accountId: string | null;
  name: string | null;
  status: string | null;
  conversationConfigurationId: string | null;
  createdAt: string;
  updatedAt: string | null;
  extra: string | null;
  channels: string[] | null;
  channelIds: string[] | null;
  intelligenceConfigurationIds: string[] | null;
  operatorResultIds: string[] | null;
  participants: ParticipantRow[] | null;
  communications: CommunicationRow[] | null;
}

/**
 * Makes the rows of one conversation.
 * @throws Unstorable where a key is too long for an index.
 */
export function normalize(detail: Detail): ConversationRows {
  const fields = new Fields(detail.raw, columns.conversation);
  const rows: ConversationRows = {
    id: storableText(detail.id),
    accountId: fields.text('accountId'),
    name: fields.text('name'),
    status: fields.text('status'),
    conversationConfigurationId: fields.text('conversationConfigurationId'),
    createdAt: toMicroseconds(detail.createdAt),
    updatedAt: detail.updatedAt === null ? null : toMicroseconds(detail.updatedAt),
    channels: fields.texts('channels'),
    channelIds: fields.texts('channelIds'),
    intelligenceConfigurationIds: fields.texts('intelligenceConfigurationIds'),
    operatorResultIds: fields.texts('operatorResultIds'),
    participants: detail.participants && firstOfEach(detail.participants.map(participantRow)),
    communications: detail.communications && firstOfEach(detail.communications.map(communicationRow)),
    extra: fields.rest(),
  };
  refuseLongKeys(rows);
  return rows;
}

function participantRow({ id, raw }: { id: string; raw: JsonObject }): ParticipantRow {
  const fields = new Fields(raw, columns.participant);
  return {
    id: storableText(id),
    position: 0,
    name: fields.text('name'),
    type: fields.text('type'),
    addresses: fields.texts('addressValues'),
    extra: fields.rest(),
  };
}

function communicationRow({ id, createdAt, raw }: NonNullable<Detail['communications']>[number]): CommunicationRow {
  const fields = new Fields(raw, columns.communication);
  return {
    id: storableText(id),
    position: 0,
    participantId: fields.text('participantId'),
    text: fields.nestedText('content', 'text'),
    createdAt: createdAt === null ? null : toMicroseconds(createdAt),
    extra: fields.rest(),
  };
}

/** The first row of each id, with positions counted from 0. */
function firstOfEach<Row extends { id: string; position: number }>(rows: Row[]): Row[] {
  const byId = new Map<string, Row>();
  for (const row of rows) {
    if (byId.has(row.id)) continue;
    row.position = byId.size;
    byId.set(row.id, row);
  }
  return [...byId.values()];
}

/** The fields that columns hold. */
const columns = {
  conversation: new Set([
    'id',
    'accountId',
    'name',
    'status',
    'conversationConfigurationId',
    'createdAt',
    'updatedAt',
    'channels',
    'channelIds',
    'intelligenceConfigurationIds',
    'operatorResultIds',
    'participants',
    'communications',
  ]),
  participant: new Set(['id', 'name', 'type', 'addressValues']),
  communication: new Set(['id', 'participantId', 'content', 'createdAt']),
};

/** Reads fields off an object; what no column holds, or was not of the kind that its column holds, is the rest. */
class Fields {
  readonly #raw: JsonObject;
  readonly #columns: ReadonlySet<string>;
  /** Fields of columns that belong to the rest all the same, whole or in part. */
  #rest: [string, Json][] | null = null;

  constructor(raw: JsonObject, columns: ReadonlySet<string>) {
    this.#raw = raw;
    this.#columns = columns;
  }

  text(name: string): string | null {
    const value = this.#raw[name] ?? null;
    if (typeof value === 'string') return storableText(value);
    if (value !== null) this.#keep(name, value);
    return null;
  }

  /** The strings of an array, each once; null where there is no array. An array of anything else besides is also left in the rest. */
  texts(name: string): string[] | null {
    const value = this.#raw[name] ?? null;
    if (value === null) return null;
    if (!Array.isArray(value)) {
      this.#keep(name, value);
      return null;
    }
    const texts = value.filter((element) => typeof element === 'string');
    if (texts.length < value.length) this.#keep(name, value);
    return [...new Set(texts.map(storableText))];
  }

  /** A text inside an object; what else is in that object is left in the rest. */
  nestedText(name: string, inner: string): string | null {
    const value = this.#raw[name] ?? null;
    if (value === null) return null;
    if (!isJsonObject(value) || isRawNumber(value)) {
      this.#keep(name, value);
      return null;
    }
    const text = value[inner] ?? null;
    const taken = text === null || typeof text === 'string' ? inner : null;
    const others = Object.keys(value).filter((key) => key !== taken);
    if (others.length > 0) this.#keep(name, Object.fromEntries(others.map((key) => [key, value[key] ?? null])));
    return typeof text === 'string' ? storableText(text) : null;
  }

  rest(): string | null {
    const rest = this.#rest ?? [];
    for (const name in this.#raw) if (!this.#columns.has(name)) rest.push([name, this.#raw[name] ?? null]);
    if (rest.length === 0) return null;
    try {
      return JSON.stringify(storableJson(Object.fromEntries(rest)));
    } catch (error) {
      // The stack's end; Postgres' own comes soon after.
      if (error instanceof RangeError) throw new Unstorable('a field is nested too deeply');
      throw error;
    }
  }

  #keep(name: string, value: Json): void {
    this.#rest ??= [];
    this.#rest.push([name, value]);
  }
}

function refuseLongKeys(rows: ConversationRows): void {
  const id = Buffer.byteLength(rows.id);
  const check = (what: string, part = '', other = '') => {
    // A code unit takes at most three bytes; nearly all keys are seen to be short by that alone.
    if (id + 3 * (part.length + other.length) <= maxKeyBytes) return;
    const bytes = id + Buffer.byteLength(part) + Buffer.byteLength(other);
    if (bytes > maxKeyBytes)
      throw new Unstorable(`${what}: a key of ${bytes} bytes, at most ${maxKeyBytes} can be stored`);
  };
  check('id');
  for (const channel of rows.channels ?? []) check('channels', channel);
  for (const channelId of rows.channelIds ?? []) check('channelIds', channelId);
  for (const each of rows.intelligenceConfigurationIds ?? []) check('intelligenceConfigurationIds', each);
  for (const each of rows.operatorResultIds ?? []) check('operatorResultIds', each);
  for (const communication of rows.communications ?? []) check('communications', communication.id);
  for (const participant of rows.participants ?? []) {
    check('participants', participant.id);
    for (const address of participant.addresses ?? []) check('participants.addressValues', participant.id, address);
  }
}
