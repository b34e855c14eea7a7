// Whoever reads the tables while the program writes them: each conversation that it sees has to be whole, that is equal
// to some version the source has had, and, where details do not lag, never older than what was seen of it before.

import pg from 'pg';
import type { Connection } from '../../src/config/connection-string.ts';
import type { History } from './history.ts';
import { firstDifference, readSome, type Stored } from './rows.ts';

export class Reader {
  readonly #client: pg.Client;
  readonly #history: History;
  readonly #monotonic: boolean;
  readonly #seen = new Map<string, number>();
  #reading: Promise<void> = Promise.resolve();
  #stopped = false;
  reads = 0;
  /** What was wrong, the first time. */
  found: string | null = null;

  static async start(connection: Connection, history: History, monotonic: boolean): Promise<Reader> {
    const client = new pg.Client({ ...connection, application_name: 'reader' });
    await client.connect();
    const reader = new Reader(client, history, monotonic);
    reader.#reading = reader.#read();
    return reader;
  }

  private constructor(client: pg.Client, history: History, monotonic: boolean) {
    this.#client = client;
    this.#history = history;
    this.#monotonic = monotonic;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#reading;
    await this.#client.end();
  }

  async #read(): Promise<void> {
    while (!this.#stopped && this.found === null) {
      for (const stored of await readSome(this.#client, 6)) this.#look(stored);
      this.reads += 1;
      await this.#client.query('select pg_sleep(0.004)');
    }
  }

  /** Checks one conversation as somebody else has read it, perhaps later than what this one is reading. */
  check({ id, digest, rows }: Stored): void {
    if (this.#history.find(id, digest) === undefined) this.#refuse(id, rows);
  }

  #look({ id, digest, rows }: Stored): void {
    const before = this.#monotonic ? (this.#seen.get(id) ?? 0) : 0;
    const version = this.#history.find(id, digest, before);
    if (version !== undefined) {
      this.#seen.set(id, version.seq);
      return;
    }
    const older = this.#history.find(id, digest);
    if (older === undefined) this.#refuse(id, rows);
    else this.found ??= `a reader saw ${id} as of change ${older.seq}, having seen it as of change ${before}`;
  }

  #refuse(id: string, rows: Stored['rows']): void {
    const latest = this.#history.versions(id).findLast((each) => each.digest !== null);
    this.found ??= `a reader saw half of ${id}: ${latest ? firstDifference(latest.rows, rows) : 'which the source never had'}`;
  }
}
