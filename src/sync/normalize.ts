// A conversation's detail in, its rows out. Every field of the answer ends in a column or in `extra`: nothing the API
// said is thrown away. Pure; what cannot be a row (a key no index can hold) is an Unstorable.

import type { Detail } from '../api/decode.ts';
import { isJsonObject, type Json, type JsonObject } from '../lib/json.ts';
import { isRawNumber } from '../lib/lossless-json.ts';
import { storableJson, storableText } from '../lib/storable.ts';
import { toMicroseconds } from '../lib/timestamp.ts';
import { Unstorable } from './ports.ts';

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
  const fields = new Fields(detail.raw, ['id', 'createdAt', 'updatedAt', 'participants', 'communications']);
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
  const fields = new Fields(raw, ['id']);
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
  const fields = new Fields(raw, ['id', 'createdAt']);
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

/** Takes fields off an object one by one; what is left, or was not of the kind its column holds, is the rest. */
class Fields {
  readonly #raw: JsonObject;
  readonly #taken: string[];
  readonly #nested: [string, Json][] = [];

  constructor(raw: JsonObject, taken: string[]) {
    this.#raw = raw;
    this.#taken = taken;
  }

  text(name: string): string | null {
    const value = this.#raw[name] ?? null;
    if (value !== null && typeof value !== 'string') return null;
    this.#taken.push(name);
    return value === null ? null : storableText(value);
  }

  /** The strings of an array, each once; null where there is no array. An array of anything else besides is also left in the rest. */
  texts(name: string): string[] | null {
    const value = this.#raw[name] ?? null;
    if (value !== null && !Array.isArray(value)) return null;
    const texts = value?.filter((element) => typeof element === 'string') ?? null;
    if (texts === null || texts.length === value?.length) this.#taken.push(name);
    return texts && [...new Set(texts.map(storableText))];
  }

  nestedText(name: string, inner: string): string | null {
    const value = this.#raw[name] ?? null;
    if (value === null) this.#taken.push(name);
    if (!isJsonObject(value) || isRawNumber(value)) return null;
    const nested = new Fields(value, []);
    const text = nested.text(inner);
    const rest = nested.#left();
    this.#taken.push(name);
    if (rest.length > 0) this.#nested.push([name, Object.fromEntries(rest)]);
    return text;
  }

  rest(): string | null {
    const entries = [...this.#left(), ...this.#nested];
    if (entries.length === 0) return null;
    try {
      return JSON.stringify(storableJson(Object.fromEntries(entries)));
    } catch (error) {
      // The stack's end; Postgres' own comes soon after.
      if (error instanceof RangeError) throw new Unstorable('a field is nested too deeply');
      throw error;
    }
  }

  #left(): [string, Json][] {
    const left: [string, Json][] = [];
    for (const name in this.#raw) if (!this.#taken.includes(name)) left.push([name, this.#raw[name] ?? null]);
    return left;
  }
}

function refuseLongKeys(rows: ConversationRows): void {
  const id = Buffer.byteLength(rows.id);
  const check = (what: string, ...parts: string[]) => {
    const bytes = parts.reduce((sum, part) => sum + Buffer.byteLength(part), id);
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
