// What every measure is given: a server, simulators, the product as a process, and how much to do. What one measure fills
// another may use, within a run: databases of so many conversations are made once, by the product itself.

import { daysOf, type Shape } from './conversations.ts';
import { type BenchDatabase, BenchServer } from './postgres.ts';
import { type Ended, startOurs, startProgram } from './program.ts';
import type { Row } from './row.ts';
import { type Counters, SimulatorProcess, type StartOptions } from './simulator.ts';

/** A database that holds all that a simulator has. */
export interface Filled {
  simulator: SimulatorProcess;
  database: BenchDatabase;
  /** Peak memory of the worker that filled it. */
  peakBytes: number;
}

export interface Measure {
  name: string;
  run(bench: Bench): Promise<Row[]>;
}

export interface BenchOptions {
  quick: boolean;
  /** Of each measure; fewer take less time and say less. */
  mostRounds: number;
  /** Where each step is reported. */
  say: (line: string) => void;
}

/** What a program did from an empty start to its end. */
export interface Loaded {
  ended: Ended;
  counters: Counters;
  firstRowMs: number;
  lastRowMs: number;
  conversations: number;
  /** CPU time of the database's connections. */
  postgresMs: number;
}

const dayMs = 86_400_000;
/** As many among 10,000 conversations as among 300,000: they are today's. */
const open = 100;

export class Bench implements AsyncDisposable {
  readonly server: BenchServer;
  readonly quick: boolean;
  readonly mostRounds: number;
  readonly say: (line: string) => void;
  /** An hour ago, so that nothing lies in the minutes that every pass lists again. */
  readonly untilMs = Date.now() - 3_600_000;
  readonly #resources = new AsyncDisposableStack();
  readonly #filled = new Map<number, Promise<Filled>>();

  static async open(options: BenchOptions): Promise<Bench> {
    return new Bench(await BenchServer.open(), options);
  }

  private constructor(server: BenchServer, { quick, mostRounds, say }: BenchOptions) {
    this.mostRounds = mostRounds;
    this.server = server;
    this.quick = quick;
    this.say = say;
    this.#resources.use(server);
  }

  /** A size: the one asked for, or a small one that only shows that everything works. */
  size(full: number, quick: number): number {
    return this.quick ? quick : full;
  }

  rounds(full: number): number {
    return this.quick ? 1 : Math.min(full, this.mostRounds);
  }

  async simulator(shape: Shape, options: Omit<StartOptions, 'shape' | 'untilMs'> = {}): Promise<SimulatorProcess> {
    return await SimulatorProcess.start({ shape, untilMs: this.untilMs, ...options });
  }

  /** The settings that lead a program to a simulator and a database; but for SYNC_REFRESH all others have their defaults. */
  env(simulator: SimulatorProcess, { url }: BenchDatabase): Record<string, string> {
    const startMs = this.untilMs - (daysOf(simulator.options.shape) + 2) * dayMs;
    const since = new Date(startMs).toISOString().slice(0, 10);
    // Nothing becomes due in the middle of a measure.
    return { ...simulator.env, DATABASE_URL: url, SYNC_START: since, SYNC_REFRESH: '1s' };
  }

  /** Loads all of a simulator's conversations into an empty database, by `sync` or a rival. @throws where not all are there then. */
  async load(simulator: SimulatorProcess, database: BenchDatabase, rival?: string): Promise<Loaded> {
    await simulator.reset();
    const cpuMs = await this.server.cpuMs();
    // The rivals have conversations alone.
    const env = { ...this.env(simulator, database), SYNC_OPERATOR_RESULTS: 'links' };
    const ended = await (rival === undefined ? startOurs(['sync'], env) : startProgram(rival, [], env)).ended;
    const counters = await simulator.counters();
    const { firstMs, lastMs, count } = await this.server.committed(database);
    const { conversations } = simulator.options.shape;
    if (count !== conversations) throw new Error(`${count} conversations are stored, of ${conversations}`);
    const postgresMs = (await this.server.cpuMs()) - cpuMs;
    return { ended, counters, firstRowMs: firstMs, lastRowMs: lastMs, conversations: count, postgresMs };
  }

  /** So many conversations, in sync: filled by a worker when first asked for, and kept until the end. */
  filled(conversations: number): Promise<Filled> {
    const filled = this.#filled.get(conversations) ?? this.#fill(conversations);
    this.#filled.set(conversations, filled);
    return filled;
  }

  async #fill(conversations: number): Promise<Filled> {
    const simulator = this.#resources.use(await this.simulator({ conversations, open }));
    const database = await this.server.database();
    const { peakBytes } = await this.work(simulator, database);
    return { simulator, database, peakBytes };
  }

  /** Lets a worker run until it is in sync. */
  async work(simulator: SimulatorProcess, database: BenchDatabase): Promise<Ended> {
    const running = startOurs(['run'], { ...this.env(simulator, database), HTTP_PORT: '0' });
    await running.saw(/"msg":"in sync"/);
    const ended = await running.stop();
    const { conversations } = simulator.options.shape;
    const peak = `${(ended.peakBytes / 1e6).toFixed(0)} MB`;
    const seconds = (ended.endedMs - ended.startedMs) / 1000;
    this.say(`a worker loaded ${conversations} conversations in ${seconds.toFixed(0)} s, peak memory ${peak}`);
    return ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#resources.disposeAsync();
  }
}
