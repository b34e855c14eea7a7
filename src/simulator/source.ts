// All conversations of the simulated API, and everything that can happen to them. Tests compare a database with `all()`,
// value by value. The values are shared: change them only with the methods. Times come from the given clock, with nine
// digits, and no two are the same.

import type { JsonObject } from '../lib/json.ts';
import { createRandom, type Random } from '../lib/random.ts';
import { parseTimestamp, type Timestamp, timestampOf } from '../lib/timestamp.ts';
import type { WireConversationDetail } from '../twilio/wire.ts';
import {
  redacted,
  type Silence,
  type SourceEvent,
  withCommunication,
  withoutParticipant,
  withoutResult,
  withResult,
  withStatus,
} from './changes.ts';
import { Entry, type Made } from './entry.ts';
import { drawId, drawTimedId } from './ids.ts';
import { ResultStore } from './result-store.ts';
import { configurationList, createResult, operatorList, type WireOperatorResult } from './results.ts';
import { Timeline } from './timeline.ts';

export interface SourceOptions {
  accountId: string;
  /** Milliseconds since the epoch; the source of all its times. */
  now?: () => number;
  /** Seed of its random ids. */
  seed?: number;
}

export interface AddedResult {
  resultId?: string;
  /** Whether the conversation shows its id. */
  link?: boolean;
  fields?: Partial<WireOperatorResult>;
}

export class Source {
  readonly accountId: string;
  readonly timeline = new Timeline();
  /** Operators by their id, as they are listed: take some away, or add any. */
  readonly operators: Map<string, JsonObject>;
  /** Intelligence configurations, in the same way. */
  readonly configurations: Map<string, JsonObject>;
  readonly resultStore: ResultStore;
  readonly #entries = new Map<string, Entry>();
  readonly #random: Random;
  readonly #now: () => number;
  #stamps = 0;
  #nameless = 0;
  /** Increases with every change. */
  version = 0;
  /** Told of what is pushed. */
  onEvent: (event: SourceEvent) => void = () => {};

  constructor({ accountId, now = Date.now, seed = 1 }: SourceOptions) {
    this.accountId = accountId;
    this.#now = now;
    this.#random = createRandom(seed, 0x50_75_72_63);
    this.operators = byId(operatorList(accountId));
    this.configurations = byId(configurationList(accountId));
    const entries = {
      find: (id: string) => this.#entries.get(id),
      [Symbol.iterator]: () => this.timeline[Symbol.iterator](),
    };
    this.resultStore = new ResultStore(entries, now);
  }

  get size(): number {
    return this.#entries.size;
  }

  /** All conversations, complete, in the order of `createdAt`. */
  all(): WireConversationDetail[] {
    return Array.from(this.timeline, (entry) => entry.whole());
  }

  ids(): string[] {
    return Array.from(this.timeline, (entry) => entry.key);
  }

  /** The conversation with an id; undefined if there is none. */
  find(id: string): WireConversationDetail | undefined {
    return this.#entries.get(id)?.whole();
  }

  entry(id: string): Entry | undefined {
    return this.#entries.get(id);
  }

  /** The conversation with an id. Throws RangeError if there is none. */
  get(id: string): WireConversationDetail {
    return this.#held(id).whole();
  }

  /** Starts a conversation now: active, without communications. The given fields replace random ones. */
  create(fields: Partial<WireConversationDetail> = {}): WireConversationDetail {
    const at = this.stamp();
    return this.put({
      id: drawId('conv_conversation', this.#random),
      accountId: this.accountId,
      name: 'New conversation',
      status: 'ACTIVE',
      createdAt: at,
      updatedAt: at,
      intelligenceConfigurationIds: [],
      conversationConfigurationId: 'conv_configuration_00000000000000000000000000',
      channels: ['CHAT'],
      channelIds: [],
      participants: [],
      communications: [],
      operatorResultIds: [],
      ...fields,
    });
  }

  /**
   * Stores any value under its id and replaces what was there. Without a readable `createdAt` it is listed at `listedAt`, or
   * else at the epoch; without an id it is listed, but has no detail.
   */
  put(
    value: WireConversationDetail,
    { listedAt = value.createdAt }: { listedAt?: string } = {},
  ): WireConversationDetail {
    const key = typeof value.id === 'string' ? value.id : `#${++this.#nameless}`;
    const createdAt = instantOf(listedAt);
    const held = this.#entries.get(key);
    this.resultStore.changing(key, () => {
      if (held?.createdAt === createdAt) {
        held.replace(value, this.#now());
      } else {
        if (held !== undefined) this.timeline.remove(held);
        const entry = new Entry(key, createdAt, this.#now(), value);
        this.#entries.set(key, entry);
        this.timeline.add(entry);
      }
    });
    this.version += 1;
    this.onEvent({ type: held === undefined ? 'CONVERSATION_CREATED' : 'CONVERSATION_UPDATED', id: key });
    return value;
  }

  /** Adds many existing conversations, which are generated when they are read. An id that exists already is an error. */
  fill(conversations: Iterable<Made>): void {
    const added: Entry[] = [];
    for (const made of conversations) {
      if (this.#entries.has(made.id)) throw new RangeError(`The source already holds ${made.id}`);
      const entry = new Entry(made.id, instantOf(made.createdAt), Date.parse(made.createdAt), made);
      this.#entries.set(made.id, entry);
      added.push(entry);
    }
    this.timeline.addAll(added);
    this.resultStore.forget();
    this.version += 1;
  }

  /** A participant says something; by default the first one. */
  say(id: string, text: string, { participantId, silent = false }: Silence & { participantId?: string } = {}) {
    const at = this.stamp();
    return this.#change(id, (conversation) => {
      const speaker = participantId ?? conversation.participants?.[0]?.id ?? drawId('conv_participant', this.#random);
      const communicationId = drawId('conv_communication', this.#random);
      const communication = { id: communicationId, participantId: speaker, content: { text }, createdAt: at };
      return withCommunication(conversation, communication, at, { silent });
    });
  }

  close(id: string, options?: Silence) {
    return this.setStatus(id, 'CLOSED', options);
  }

  reopen(id: string, options?: Silence) {
    return this.setStatus(id, 'ACTIVE', options);
  }

  setStatus(id: string, status: string, options?: Silence) {
    return this.#change(id, (conversation) => withStatus(conversation, status, this.stamp(), options));
  }

  /**
   * An operator result is made; its id is made up unless given. Without `link` its conversation does not show it yet:
   * `linkResult` does that later. Fields given take the place of those made up.
   */
  addResult(
    id: string,
    { resultId, link = true, fields = {}, silent = false }: Silence & AddedResult = {},
  ): WireConversationDetail {
    const conversation = this.get(id);
    const result = resultId ?? drawTimedId('intelligence_operatorresult', this.#now(), this.#random);
    const at = this.stamp();
    const isLinked = link || (conversation.operatorResultIds ?? []).includes(result);
    const made = { ...createResult(result, conversation), dateCreated: at, ...fields };
    this.resultStore.add(made, isLinked);
    this.version += 1;
    const after = link ? this.#link(id, result, at, silent) : conversation;
    this.onEvent({ type: 'RESULT', id, result: made });
    return after;
  }

  /** A conversation shows the id of a result: of one without a link, or of one that is not made yet. */
  linkResult(id: string, resultId: string, { silent = false }: Silence = {}): WireConversationDetail {
    if (!this.resultStore.has(id, resultId)) this.resultStore.remove({ conversationId: id, id: resultId });
    return this.#link(id, resultId, this.stamp(), silent);
  }

  /** Deletes a result: 404, and no longer listed. Its conversation shows its id no more, unless the link is kept. False where there was none. */
  removeResult(resultId: string, { keepLink = false, silent = false }: Silence & { keepLink?: boolean } = {}): boolean {
    const row = this.resultStore.find(resultId);
    if (row === undefined) return false;
    this.resultStore.remove(row);
    const isLinked = this.find(row.conversationId)?.operatorResultIds?.includes(resultId) ?? false;
    if (isLinked && !keepLink) {
      this.#change(row.conversationId, (conversation) =>
        withoutResult(conversation, resultId, this.stamp(), { silent }),
      );
    }
    this.version += 1;
    return true;
  }

  /** Every operator result, or those of one conversation, whole, oldest first. */
  results(conversationId?: string): WireOperatorResult[] {
    const { resultStore } = this;
    const rows = conversationId === undefined ? resultStore.rows() : resultStore.rowsOf(conversationId);
    return rows.map((row) => resultStore.value(row));
  }

  /** The operator result of an id; undefined where there is none. */
  result(id: string): WireOperatorResult | undefined {
    const row = this.resultStore.find(id);
    return row && this.resultStore.value(row);
  }

  removeParticipant(id: string, participantId: string, options?: Silence) {
    return this.#change(id, (conversation) => withoutParticipant(conversation, participantId, this.stamp(), options));
  }

  /** Replaces the text of one communication, or of all. */
  redact(id: string, options?: Silence & { communicationId?: string; text?: string }) {
    return this.#change(id, (conversation) => redacted(conversation, this.stamp(), options));
  }

  /** Deletes a conversation: no longer listed, 404 on its detail, and so are its results unless they are kept. False where there was none. */
  remove(id: string, { keepResults = false }: { keepResults?: boolean } = {}): boolean {
    const entry = this.#entries.get(id);
    if (entry === undefined) return false;
    if (keepResults) this.resultStore.keep(id);
    this.resultStore.changing(id, () => {
      this.#entries.delete(id);
      this.timeline.remove(entry);
    });
    this.version += 1;
    return true;
  }

  /** The clock's time with nine digits; the last six are a counter, so that no two are the same. */
  stamp(): string {
    this.#stamps = (this.#stamps + 1) % 1_000_000;
    return `${new Date(this.#now()).toISOString().slice(0, 23)}${String(this.#stamps).padStart(6, '0')}Z`;
  }

  #change(
    id: string,
    change: (conversation: WireConversationDetail) => WireConversationDetail,
  ): WireConversationDetail {
    const entry = this.#held(id);
    const value = change(entry.whole());
    this.resultStore.changing(id, () => entry.replace(value, this.#now()));
    this.version += 1;
    this.onEvent({ type: 'CONVERSATION_UPDATED', id });
    return value;
  }

  #link(id: string, resultId: string, at: string, silent: boolean): WireConversationDetail {
    const conversation = this.get(id);
    if (conversation.operatorResultIds?.includes(resultId)) return conversation;
    return this.#change(id, (held) => withResult(held, resultId, at, { silent }));
  }

  #held(id: string): Entry {
    const entry = this.#entries.get(id);
    if (entry === undefined) throw new RangeError(`The source holds no conversation ${id}`);
    return entry;
  }
}

function byId(values: readonly JsonObject[]): Map<string, JsonObject> {
  return new Map(values.map((value) => [String(value['id']), value]));
}

function instantOf(text: unknown): Timestamp {
  const instant = typeof text === 'string' ? parseTimestamp(text) : undefined;
  // If both are the same text, one is kept: with 300,000 conversations that saves memory.
  return instant === text ? (text as Timestamp) : (instant ?? timestampOf(0));
}
