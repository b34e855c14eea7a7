// People are forgotten beside the program, by id and by address, and now and then one is let in again. Of a conversation that is
// forgotten, nothing may be anywhere from then on: neither rows nor bookkeeping, however it is asked for.

import type { Random } from '../../src/lib/random.ts';
import { type Database, openDatabase } from '../../src/postgres/database.ts';
import { putPushed } from '../../src/postgres/pushed.ts';
import { forget, forgetAddresses, undoForget } from '../../src/postgres/tombstones.ts';
import { dumpOf, foundIn } from '../dump.ts';
import type { World } from '../world.ts';
import type { History } from './history.ts';

export interface ErasuresOptions {
  world: World;
  history: History;
  random: Random;
  note(text: string): void;
}

export class Erasures {
  /** Ids of the conversations that have a tombstone. */
  readonly forgotten = new Set<string>();
  readonly #options: ErasuresOptions;
  #isForgetting = false;

  constructor(options: ErasuresOptions) {
    this.#options = options;
  }

  /** With sessions of its own, as a command has them. While one is open, Postgres may count what it wrote 10 seconds later. */
  async #withDatabase<Result>(work: (database: Database) => Promise<Result>): Promise<Result> {
    const database = openDatabase({ ...this.#options.world.database.connection, application_name: 'command' });
    return await work(database).finally(() => database.close());
  }

  /** Forgets a conversation, or everybody with one of its addresses; one at a time, so that it is known who that was. */
  async forget(): Promise<void> {
    if (this.#isForgetting) return;
    this.#isForgetting = true;
    await this.#forget().finally(() => {
      this.#isForgetting = false;
    });
  }

  async #forget(): Promise<void> {
    const { random, history, note } = this.#options;
    const ids = history.ids();
    if (ids.length === 0) return;
    const id = random.pick(ids);
    const [address] = (history.current(id)?.rows['participant_addresses'] ?? []).map((row) => String(row['address']));
    if (address === undefined || random.chance(0.7)) {
      await this.#withDatabase((database) => forget(database, [id]));
      this.forgotten.add(id);
      note(`-- ${id} is forgotten`);
      return;
    }
    const { conversations } = await this.#withDatabase((database) => forgetAddresses(database, [address]));
    const found = (await this.#entombed()).filter((each) => !this.forgotten.has(each));
    for (const each of found) this.forgotten.add(each);
    note(`-- forgotten with ${address}: ${found.join(', ')}`);
    if (conversations !== found.length)
      throw new Error(`${conversations} were erased, ${found.length} have tombstones`);
  }

  /** Lets one in again. @returns its id. */
  async undo(): Promise<string | null> {
    const { random, note } = this.#options;
    if (this.forgotten.size === 0) return null;
    const id = random.pick([...this.forgotten]);
    const lifted = await this.#withDatabase((database) => undoForget(database, [id]));
    if (lifted.length !== 1) throw new Error(`the tombstone of ${id} was not found`);
    this.forgotten.delete(id);
    note(`-- ${id} is let in again`);
    return id;
  }

  /** Asks for all that are forgotten, as webhooks and `sync --id` do. */
  async askForThem(): Promise<void> {
    const ids = [...this.forgotten];
    const pushed = ids.map((conversationId) => ({ conversationId, resultIds: [] }));
    if (ids.length > 0) await this.#withDatabase((database) => putPushed(database, pushed, 1));
    await this.#options.world.fetch(ids);
  }

  /** What is left of those that are forgotten, the first of it. */
  async findTrace(): Promise<string | null> {
    if (this.forgotten.size === 0) return null;
    const traces = [...this.forgotten].flatMap((id) => [id, ...this.#partsOf(id)]);
    const [found] = foundIn(await dumpOf(this.#options.world.pool), traces);
    return found === undefined ? null : `${found} was forgotten, and is in the database`;
  }

  /** Ids of communications and results that it has ever had. Shorter ones may be anywhere by chance. */
  #partsOf(id: string): string[] {
    return this.#options.history.versions(id).flatMap(({ rows }) => {
      const communications = (rows['communications'] ?? []).map((row) => String(row['id']));
      const results = (rows['operator_result_links'] ?? []).map((row) => String(row['operator_result_id']));
      return [...communications, ...results].filter(({ length }) => length > 20);
    });
  }

  async #entombed(): Promise<string[]> {
    const { history, world } = this.#options;
    const { rows } = await world.pool.query<{ id: string }>(
      `select id from unnest($1::text[]) as asked(id) cross join twilio_sync.tombstone_key
       join twilio_sync.tombstones on hash = sha256(key || convert_to(id, 'UTF8'))`,
      [history.ids()],
    );
    return rows.map(({ id }) => id);
  }
}
