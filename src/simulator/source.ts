// The truth: every conversation that the simulated API has, as whole values, and all that can happen to them. Tests
// compare a database with `all()`, value by value. Values handed out are shared: alter them by the methods only.
// Times come from the clock it is given, written with nine digits, no two of them the same.

import { createRandom, type Random } from '../lib/random.ts';
import { parseTimestamp, type Timestamp, timestampOf } from '../lib/timestamp.ts';
import type { WireConversationDetail } from '../twilio/wire.ts';
import { redacted, type Silence, withCommunication, withoutParticipant, withResult, withStatus } from './changes.ts';
import { Entry, type Made } from './entry.ts';
import { drawId } from './ids.ts';
import { Timeline } from './timeline.ts';

export interface SourceOptions {
  accountId: string;
  /** Milliseconds since the epoch; every instant the source writes comes from it. */
  now?: () => number;
  /** Seed of the ids it makes up. */
  seed?: number;
}

export class Source {
  readonly accountId: string;
  readonly timeline = new Timeline();
  readonly #entries = new Map<string, Entry>();
  readonly #random: Random;
  readonly #now: () => number;
  #stamps = 0;
  #nameless = 0;
  /** Moves with every change to anything. */
  version = 0;

  constructor({ accountId, now = Date.now, seed = 1 }: SourceOptions) {
    this.accountId = accountId;
    this.#now = now;
    this.#random = createRandom(seed, 0x50_75_72_63);
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Every conversation, whole, in the order of `createdAt`. */
  all(): WireConversationDetail[] {
    return Array.from(this.timeline, (entry) => entry.whole());
  }

  ids(): string[] {
    return Array.from(this.timeline, (entry) => entry.key);
  }

  /** The conversation of an id; undefined where there is none. */
  find(id: string): WireConversationDetail | undefined {
    return this.#entries.get(id)?.whole();
  }

  entry(id: string): Entry | undefined {
    return this.#entries.get(id);
  }

  /** The conversation of an id; throws a RangeError where there is none. */
  get(id: string): WireConversationDetail {
    return this.#held(id).whole();
  }

  /** A conversation that starts now: active, without a word yet. Fields given take the place of those made up. */
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
   * Holds any value at all under its id, in place of what was there. One without a readable `createdAt` is listed at
   * `listedAt`, else at the epoch; one without an id is listed, and has no detail.
   */
  put(
    value: WireConversationDetail,
    { listedAt = value.createdAt }: { listedAt?: string } = {},
  ): WireConversationDetail {
    const key = typeof value.id === 'string' ? value.id : `#${++this.#nameless}`;
    const createdAt = instantOf(listedAt);
    const held = this.#entries.get(key);
    if (held?.createdAt === createdAt) {
      held.replace(value, this.#now());
    } else {
      if (held !== undefined) this.timeline.remove(held);
      const entry = new Entry(key, createdAt, this.#now(), value);
      this.#entries.set(key, entry);
      this.timeline.add(entry);
    }
    this.version += 1;
    return value;
  }

  /** Takes many conversations that were there all along; each is made when it is read. An id held already is an error. */
  fill(conversations: Iterable<Made>): void {
    const added: Entry[] = [];
    for (const made of conversations) {
      if (this.#entries.has(made.id)) throw new RangeError(`The source already holds ${made.id}`);
      const entry = new Entry(made.id, instantOf(made.createdAt), Date.parse(made.createdAt), made);
      this.#entries.set(made.id, entry);
      added.push(entry);
    }
    this.timeline.addAll(added);
    this.version += 1;
  }

  /** A participant says something; without `participantId` the first one listed does. */
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

  /** An operator result arrives; its id is made up unless given. */
  addResult(id: string, { resultId, silent = false }: Silence & { resultId?: string } = {}) {
    const result = resultId ?? drawId('intelligence_operatorresult', this.#random);
    return this.#change(id, (conversation) => withResult(conversation, result, this.stamp(), { silent }));
  }

  removeParticipant(id: string, participantId: string, options?: Silence) {
    return this.#change(id, (conversation) => withoutParticipant(conversation, participantId, this.stamp(), options));
  }

  /** Replaces the text of one communication, or of all. */
  redact(id: string, options?: Silence & { communicationId?: string; text?: string }) {
    return this.#change(id, (conversation) => redacted(conversation, this.stamp(), options));
  }

  /** Deletes a conversation: no longer listed, 404 on its detail. False where there was none. */
  remove(id: string): boolean {
    const entry = this.#entries.get(id);
    if (entry === undefined) return false;
    this.#entries.delete(id);
    this.timeline.remove(entry);
    this.version += 1;
    return true;
  }

  /** The clock's instant with nine digits; the last six count, so that no two are the same. */
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
    entry.replace(value, this.#now());
    this.version += 1;
    return value;
  }

  #held(id: string): Entry {
    const entry = this.#entries.get(id);
    if (entry === undefined) throw new RangeError(`The source holds no conversation ${id}`);
    return entry;
  }
}

function instantOf(text: unknown): Timestamp {
  const instant = typeof text === 'string' ? parseTimestamp(text) : undefined;
  // Where both are the same text one of them is enough: with 300,000 conversations that is felt.
  return instant === text ? (text as Timestamp) : (instant ?? timestampOf(0));
}
