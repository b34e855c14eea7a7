// Several accounts, each with a simulated API of its own, one database, and an accounts file that leads to them.

import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type pg from 'pg';
import { Connection } from '../../src/postgres/connection.ts';
import { fillSource } from '../../src/simulator/seed.ts';
import { type Simulator, startSimulator } from '../../src/simulator/server.ts';
import { openEmptyDatabase, type TestDatabase } from '../database.ts';
import { differences } from '../oracle.ts';
import { type Environment, Processes, until } from './process.ts';

const days = 20;

/** An account, its API, and what stands in its entry. */
export interface Member {
  sid: string;
  schema: string;
  api: Simulator;
  entry: Record<string, unknown>;
}

export class Many implements AsyncDisposable {
  readonly processes = new Processes();
  readonly members: Member[] = [];
  readonly database: TestDatabase;
  readonly env: Environment;
  readonly #clients = new Map<string, pg.Client>();

  static async open(schemas: string[], conversations = 60): Promise<Many> {
    const many = new Many(await openEmptyDatabase());
    many.env['SYNC_ACCOUNTS_FILE'] = join(await many.processes.folder(), 'accounts.json');
    for (const schema of schemas) await many.add(schema, conversations);
    return many;
  }

  private constructor(database: TestDatabase) {
    this.database = database;
    this.env = {
      DATABASE_URL: database.url,
      SYNC_START: new Date(Date.now() - (days + 5) * 86_400_000).toISOString().slice(0, 10),
      // Often, and not so often that history has no time to load.
      SYNC_SCHEDULE: '*/3 * * * * *',
      SYNC_REFRESH: '365d',
      HTTP_PORT: '0',
    };
  }

  /** One account more; it is not in the file until that is written. */
  async add(schema: string, conversations: number): Promise<Member> {
    const number = this.members.length + 1;
    const sid = `AC${String(number).padStart(32, '0')}`;
    const authToken = `token-of-account-${number}`;
    const api = await startSimulator({ credentials: { accountSid: sid, authToken }, seed: number });
    fillSource(api.source, { conversations, days, seed: number, untilMs: Date.now() - 3_600_000 });
    const member = { sid, schema, api, entry: { accountSid: sid, authToken, url: api.url, schema } };
    this.members.push(member);
    return member;
  }

  member(schema: string): Member {
    const found = this.members.find((each) => each.schema === schema);
    if (found === undefined) throw new Error(`there is no account ${schema}`);
    return found;
  }

  /** Puts another file in place of the accounts file, as a whole. */
  async write(text = JSON.stringify({ accounts: this.members.map(({ entry }) => entry) })): Promise<void> {
    const path = this.env['SYNC_ACCOUNTS_FILE'] ?? '';
    await writeFile(`${path}.next`, text);
    await rename(`${path}.next`, path);
  }

  /** A connection whose statements are those of the schema. */
  async client(schema: string): Promise<pg.Client> {
    const found = this.#clients.get(schema);
    if (found !== undefined) return found;
    const client = new Connection({ ...this.database.connection, schema });
    await client.connect();
    this.#clients.set(schema, client);
    return client;
  }

  /** Waits until the tables of an account are those of its API. Comparing takes a while: that much has to be stored before it begins. */
  async equal(...schemas: string[]): Promise<void> {
    for (const schema of schemas) {
      await until(
        () => this.stored(schema),
        (count) => count === this.member(schema).api.source.all().length,
      );
      await until(
        () => this.differencesOf(schema),
        (found) => found.length === 0,
      );
    }
  }

  /** How many conversations of an account are stored. */
  async stored(schema: string): Promise<number> {
    const text = 'select count(*)::int as count from twilio.conversations';
    const { rows } = await (await this.client(schema)).query<{ count: number }>(text).catch(() => ({ rows: [] }));
    return rows[0]?.count ?? 0;
  }

  /** What differs between the tables of an account and its API; one text where there are none. */
  async differencesOf(schema: string): Promise<string[]> {
    try {
      return await differences(await this.client(schema), this.member(schema).api.source.all());
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === '42P01') return ['no tables'];
      throw error;
    }
  }

  async leaseHolder(schema: string): Promise<string | null> {
    const { rows } = await (await this.client(schema)).query<{ holder: string | null }>(
      'select holder from twilio_sync.lease',
    );
    return rows[0]?.holder ?? null;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.processes[Symbol.asyncDispose]();
    for (const client of this.#clients.values()) await client.end();
    for (const { api } of this.members) await api.close();
    await this.database[Symbol.asyncDispose]();
  }
}
