// A small sync to be killed in, again and again: a database as it was before, the API, and a proxy in front of each.
// What is held against the source: the rows before the restart (whole conversations only) and after it (all of them).

import { Writable } from 'node:stream';
import pg from 'pg';
import { expect } from 'vitest';
import { parse } from '../../src/cli/cli.ts';
import { sayError, statusOf } from '../../src/cli/exit-status.ts';
import { migrate } from '../../src/postgres/migrate.ts';
import { fillSource } from '../../src/simulator/seed.ts';
import { type Simulator, startSimulator } from '../../src/simulator/server.ts';
import type { WireConversationDetail } from '../../src/twilio/wire.ts';
import { openCopyOf, openEmptyDatabase, type TestDatabase } from '../database.ts';
import { type Environment, Processes } from '../e2e/process.ts';
import { http, postgres } from '../lib/frames.ts';
import { TcpProxy } from '../lib/tcp-proxy.ts';
import { differences } from '../oracle.ts';
import { nameDifferences, resultDifferences } from '../result-oracle.ts';

const days = 20;

/** What every run begins with; its source does not change between runs. */
export class Scene implements AsyncDisposable {
  readonly simulator: Simulator;
  readonly processes = new Processes();
  /** The database that each run gets a copy of. */
  readonly before: TestDatabase;
  readonly args: string[];
  /** What the API has, and had: until a conversation is fetched again, the copy may be of either. */
  readonly versions: WireConversationDetail[][];

  /** Nothing is stored yet, not even tables. */
  static async first(conversations = 12): Promise<Scene> {
    const { simulator, before } = await Scene.#begin(conversations);
    return new Scene(simulator, before, ['sync'], []);
  }

  /** Everything is stored; then of each kind of change there is one, and everything is listed again. */
  static async later(): Promise<Scene> {
    const { simulator, before } = await Scene.#begin();
    const { source } = simulator;
    const scene = new Scene(simulator, before, ['sync', '--reconcile'], [source.all()]);
    const { code, output } = await scene.processes.finish(scene.args, scene.env(simulator.url, before.url));
    expect({ code, output }).toMatchObject({ code: 0 });
    const closed = source.all().filter(({ status }) => status === 'CLOSED');
    const [talkedIn, reopened, gone, redacted] = closed.map(({ id }) => id);
    source.say(talkedIn ?? '', 'one more thing');
    source.reopen(reopened ?? '');
    source.redact(redacted ?? '');
    source.remove(gone ?? '');
    const [lost, kept, late] = source.results(talkedIn).concat(source.results());
    source.removeResult(lost?.id ?? '');
    source.removeResult(kept?.id ?? '', { keepLink: true, silent: true });
    source.addResult(late?.conversationId ?? '', { silent: true });
    for (const { id, status } of source.all()) if (status === 'ACTIVE') source.close(id);
    // One of the very second in which a sync looks is for the next one.
    const at = new Date(Date.now() - 60_000).toISOString();
    source.create({ status: 'CLOSED', createdAt: at, updatedAt: at });
    source.create({ status: 'ACTIVE', createdAt: at, updatedAt: at });
    return scene;
  }

  static async #begin(conversations = 12) {
    const before = await openEmptyDatabase();
    const simulator = await startSimulator();
    fillSource(simulator.source, { conversations, days, untilMs: Date.now() - 3_600_000 });
    return { before, simulator };
  }

  private constructor(
    simulator: Simulator,
    before: TestDatabase,
    args: string[],
    versions: WireConversationDetail[][],
  ) {
    this.simulator = simulator;
    this.before = before;
    this.args = args;
    this.versions = versions;
  }

  env(api: string, database: string): Environment {
    return {
      TWILIO_INTELLIGENCE_URL: api,
      TWILIO_ACCOUNT_SID: this.simulator.credentials.accountSid,
      TWILIO_AUTH_TOKEN: this.simulator.credentials.authToken,
      DATABASE_URL: database,
      SYNC_START: new Date(Date.now() - (days + 5) * 86_400_000).toISOString().slice(0, 10),
      // Nothing becomes due just because a test runs at a certain time.
      SYNC_REFRESH: '365d',
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.processes[Symbol.asyncDispose]();
    await this.simulator.close();
    await this.before[Symbol.asyncDispose]();
  }
}

/** One copy of the database, and the ways to it and to the API. */
export class Take implements AsyncDisposable {
  readonly scene: Scene;
  readonly database: TestDatabase;
  readonly client: pg.Client;
  readonly toDatabase: TcpProxy;
  readonly toApi: TcpProxy;
  /** How often each conversation's detail was asked for. */
  readonly fetched = new Map<string, number>();
  readonly env: Environment;

  static async open(scene: Scene): Promise<Take> {
    const database = await openCopyOf(scene.before);
    const client = new pg.Client(database.connection);
    client.on('error', () => {});
    await client.connect();
    const toDatabase = await TcpProxy.open(database.url, postgres);
    const toApi = await TcpProxy.open(scene.simulator.url, http);
    const take = new Take(scene, database, client, toDatabase, toApi);
    if (await take.#has('twilio_sync.scope')) {
      await client.query('update twilio_sync.scope set base_url = $1', [toApi.through()]);
    }
    return take;
  }

  private constructor(scene: Scene, database: TestDatabase, client: pg.Client, toDatabase: TcpProxy, toApi: TcpProxy) {
    this.scene = scene;
    this.database = database;
    this.client = client;
    this.toDatabase = toDatabase;
    this.toApi = toApi;
    this.env = scene.env(toApi.through(), toDatabase.through(database.url));
  }

  async start() {
    return await this.scene.processes.start(this.scene.args, this.env);
  }

  /** The same within this process, at a tenth of the cost. */
  startHere(): Here {
    const stop = new AbortController();
    const lines: string[] = [];
    const ended = runCommand(this.scene.args, this.env, lines, stop.signal).then((code) => ({
      code,
      output: lines.join('\n'),
    }));
    return {
      ended,
      // As for the other side when a process is killed: its connections end, and it makes no other ones.
      kill: async () => {
        this.toDatabase.refuse();
        this.toApi.refuse();
        stop.abort(new Error('killed'));
        await ended;
      },
    };
  }

  /** Makes the tables, so that there is something to tamper with. */
  async prepare(): Promise<void> {
    await migrate(this.database.connection);
  }

  /** Nothing passes any more, anywhere: so much and no more was done when the process died. */
  freeze(): void {
    this.toDatabase.stall();
    this.toApi.stall();
  }

  /** Notes a call of the API. */
  note(call: string): void {
    const id = /^GET \/v3\/Conversations\/([^?]+)$/.exec(call)?.[1];
    if (id !== undefined) this.fetched.set(id, (this.fetched.get(id) ?? 0) + 1);
  }

  /** The killed process's place is free at once, and the ways are open. */
  async mend(): Promise<void> {
    this.toDatabase.reset();
    this.toApi.reset({ onAsked: ({ text }) => this.note(text) });
    this.toDatabase.mend();
    this.toApi.mend();
    if (await this.#has('twilio_sync.lease')) {
      // Waits for the dead process's transaction to be rolled back.
      await this.client.query(`update twilio_sync.lease set expires_at = 0`);
    }
  }

  /** The fingerprints of everything that is stored. */
  async storedDetails(): Promise<Map<string, string>> {
    if (!(await this.#has('twilio_sync.fingerprints'))) return new Map();
    const { rows } = await this.client.query<{ id: string; detail: string }>(
      `select conversation_id as id, item || ' ' || detail as detail from twilio_sync.fingerprints where detail is not null`,
    );
    return new Map(rows.map(({ id, detail }) => [id, detail]));
  }

  /** What is wrong with the conversations that are stored: each has to be whole, as it is now or as it was. */
  async halves(): Promise<string[]> {
    if (!(await this.#has('twilio.operator_result_links'))) return [];
    const { rows } = await this.client.query<{ id: string }>(
      'select id from twilio.conversations where deleted_at is null',
    );
    const stored = new Set(rows.map(({ id }) => id));
    let wrong: string[] | undefined;
    for (const version of [this.scene.simulator.source.all(), ...this.scene.versions]) {
      const found = await differences(
        this.client,
        version.filter(({ id }) => stored.has(id)),
      );
      const ids = new Set(found.map(idOf));
      wrong = wrong === undefined ? found : wrong.filter((each) => ids.has(idOf(each)));
    }
    return wrong ?? [];
  }

  /** What differs between the tables and the API. */
  async differences(): Promise<string[]> {
    const { source } = this.scene.simulator;
    const results = await resultDifferences(this.client, source.results());
    return [
      ...(await differences(this.client, source.all())),
      ...results,
      ...(await nameDifferences(this.client, source)),
    ];
  }

  async #has(table: string): Promise<boolean> {
    const { rows } = await this.client.query<{ there: boolean }>('select to_regclass($1) is not null as there', [
      table,
    ]);
    return rows[0]?.there === true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.toDatabase[Symbol.asyncDispose]();
    await this.toApi[Symbol.asyncDispose]();
    await this.client.end();
    await this.database[Symbol.asyncDispose]();
  }
}

/** A run within this process. */
export interface Here {
  ended: Promise<{ code: number; output: string }>;
  /** Ends it as if it had been killed. */
  kill(): Promise<void>;
}

async function runCommand(args: string[], env: Environment, lines: string[], signal: AbortSignal): Promise<number> {
  const write = (line: string) => void lines.push(line);
  const progress = new Writable({ write: (_chunk, _encoding, done) => done() });
  const terminal = { write, progress, interactive: false, ask: async () => null };
  try {
    const run = await parse(args, { env, terminal, logStream: { write } });
    return await run(signal);
  } catch (error) {
    write(sayError(error));
    return statusOf(error);
  }
}

/** The conversation that a difference is about. */
function idOf(difference: string): string {
  return /\["([^"]+)"/.exec(difference)?.[1] ?? difference;
}
