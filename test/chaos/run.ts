// One seed from its beginning to its end: a history at the source, trouble at both edges, passes that are cut short, and
// a reader all the while; then peace, a reconcile, and the tables held against the source (peace.ts).
// Everything is drawn from the seed. What may differ from one run to the next is only the order of what is concurrent.

import { createRandom, type Random } from '../../src/lib/random.ts';
import { type Context, createCounts } from '../../src/sync/context.ts';
import { type Change, type Checkpoint, LeaseLost, type Sweep } from '../../src/sync/model.ts';
import { pass } from '../../src/sync/pass.ts';
import { wrongMetrics } from '../oracle.ts';
import { hungAfterMs, World } from '../world.ts';
import { type Watch, watch } from './disturb.ts';
import { Erasures } from './erasures.ts';
import { happen, type Scene } from './events.ts';
import { drawFaults } from './faults.ts';
import { History } from './history.ts';
import { keepPeace } from './peace.ts';
import { createPlan, type Plan, streams } from './plan.ts';
import { Reader } from './reader.ts';
import { digestOf, expectedRows, readAll, readUnexplained, type Stored } from './rows.ts';

export interface Result {
  seed: number;
  /** The first thing that was wrong; null where nothing was. */
  difference: string | null;
  timeline: string[];
}

/** What the checks at the end go by, beside the source's history. */
export interface Record {
  /** Of each conversation, the rows of the last detail that was stored. */
  stored: Map<string, string>;
  /** Ids of slices that the cursor has passed: they are stored, or due, for ever. */
  listed: Set<string>;
}

export interface Stage {
  plan: Plan;
  world: World;
  history: History;
  record: Record;
  reader: Reader;
  erasures: Erasures;
  note(text: string): void;
  /** Starts the program if need be, and watches it. */
  attend(): Promise<Context>;
}

type Disturbance =
  | 'none'
  | 'stop at an answer'
  | 'stop at a load'
  | 'stop after a load'
  | 'cut'
  | 'cut meanwhile'
  | 'supersede';

/** Plays a seed. Never throws for what the program does wrong: that is the result. */
export async function play(seed: number): Promise<Result> {
  const plan = createPlan(seed);
  const timeline: string[] = [
    `seed ${seed}: ${JSON.stringify({ ...plan, world: { ...plan.world, switches: undefined } })}`,
  ];
  await using world = await World.open(plan.world);
  const startMs = world.nowMs;
  const note = (text: string) => {
    timeline.push(`${((world.nowMs - startMs) / 1000).toFixed(0).padStart(9)} s  ${text}`);
  };
  const history = new History(world, plan.switches);
  const lags = (plan.switches.detailLagMs ?? 0) > 0 || (plan.switches.detailLagFetches ?? 0) > 0;
  const reader = await Reader.start(world.database.connection, history, !lags);
  const erasures = new Erasures({ world, history, random: createRandom(seed, streams.erasures), note });
  const stage: Stage = {
    plan,
    world,
    history,
    reader,
    erasures,
    note,
    record: { stored: new Map(), listed: new Set() },
    attend: () => world.context(),
  };
  try {
    const difference = (await new Chaos(stage, lags).play()) ?? (await keepPeace(stage));
    return { seed, difference, timeline };
  } catch (error) {
    return { seed, difference: `thrown: ${error instanceof Error ? error.stack : String(error)}`, timeline };
  } finally {
    await reader.stop();
  }
}

class Chaos {
  readonly #stage: Stage;
  readonly #scene: Scene;
  readonly #random: Random;
  /** Of erasures alone: what seeds were like before there were any stays. */
  readonly #erasing: Random;
  readonly #watch: Watch;
  /** What is done at the nth answer or load of this pass. */
  #answersLeft = Number.POSITIVE_INFINITY;
  #loadsLeft = Number.POSITIVE_INFINITY;
  /** How often somebody is forgotten during this pass, at most. */
  #forgetsLeft = 0;
  #disturbance: Disturbance = 'none';
  #stop = new AbortController();
  /** Nothing is done to what runs now. */
  #isCalm = false;
  readonly #delivered = new Map<string, string>();
  /** Of each slice, what it showed last. */
  readonly #listed = new Map<string, string[]>();
  #isSuperseded = false;
  /** Details that are there have been answered with 404. */
  #lies404 = false;
  #wrong: string | null = null;

  constructor(stage: Stage, lags: boolean) {
    this.#stage = stage;
    const { world, history, plan } = stage;
    this.#random = createRandom(plan.seed, streams.script);
    this.#erasing = createRandom(plan.seed, streams.erasures + 1);
    this.#scene = { world, history, random: createRandom(plan.seed, streams.history), lags, removed: [] };
    this.#watch = {
      answered: () => this.#answered(),
      listed: (stretch, ids) => {
        const key = `${stretch.from} ${stretch.to}`;
        this.#listed.set(key, ids);
      },
      delivered: (id, raw) => this.#delivered.set(id, digestOf(expectedRows(raw as never))),
      loading: () => this.#loading(),
      loaded: (changes, mark) => this.#loaded(changes, mark),
    };
  }

  #loaded(changes: Change[], mark: Checkpoint | null): void {
    const { record } = this.#stage;
    if (this.#isSuperseded && !this.#isCalm) this.#wrong ??= 'a worker that had lost its lease has written';
    for (const { id, rows } of changes) {
      const digest = this.#delivered.get(id);
      if (rows !== null && digest !== undefined) record.stored.set(id, digest);
    }
    // The cursor says that all of this slice is stored.
    const slice = mark && this.#listed.get(`${mark.cursor} ${mark.window.cursor}`);
    for (const id of slice ?? []) record.listed.add(id);
    if (this.#isCalm || this.#loadsLeft > 0) return;
    if (this.#disturbance === 'stop after a load') this.#stop.abort(new Error('stopped'));
  }

  async play(): Promise<string | null> {
    this.#stage.attend = async () => watch(await this.#stage.world.context(), this.#watch);
    const { plan, world, note, reader } = this.#stage;
    const random = this.#random;
    let before = await readAll(world.pool);
    for (let tick = 0; tick < plan.ticks; tick += 1) {
      world.nowMs += this.#pause();
      for (let count = random.int(0, 6); count > 0; count -= 1) note(happen(this.#scene));
      if (random.chance(0.6)) this.#trouble();
      if (random.chance(0.1)) world.simulator.turn({ forbidden: random.pick([[], ['results'], ['results', 'names']]) });
      if (random.chance(0.1))
        world.simulator.turn({ resultOrder: random.pick(['newestFirst', 'oldestFirst', 'none']) });
      if (plan.hides) world.simulator.turn({ lists: random.pick(['all', 'all', 'half', 'nothing']) });
      if (random.chance(0.25)) {
        await world.restart();
        note('-- restart');
      }
      this.#forgetsLeft = 3;
      await this.#forget(0.4);
      // It was erased, and is there again only once it has been fetched.
      before.delete((await this.#undo()) ?? '');
      await this.#pass();
      const wrong = this.#wrong ?? reader.found ?? (await this.#compare(before));
      if (wrong !== null) return wrong;
      before = await readAll(world.pool);
      if (random.chance(0.7)) world.simulator.faults.clear();
    }
    this.#isCalm = true;
    return null;
  }

  #pause(): number {
    const minute = 60_000;
    const long = this.#random.chance(0.2);
    return long ? this.#random.int(1, 30) * 60 * minute : this.#random.int(1, 30) * minute;
  }

  async #forget(chance: number): Promise<void> {
    const { plan, erasures } = this.#stage;
    if (!plan.forgets || this.#forgetsLeft === 0 || !this.#erasing.chance(chance)) return;
    this.#forgetsLeft -= 1;
    await erasures.forget();
  }

  /** Only between passes: what a pass has listed of it before is dropped. */
  async #undo(): Promise<string | null> {
    const { erasures, record } = this.#stage;
    const id = this.#erasing.chance(0.15) ? await erasures.undo() : null;
    if (id === null) return null;
    record.listed.delete(id);
    record.stored.delete(id);
    return id;
  }

  #trouble(): void {
    const { world, note } = this.#stage;
    for (const rule of drawFaults(this.#random, world.source.ids())) {
      if (rule.fault.kind === 'status' && rule.fault.status === 404) this.#lies404 = true;
      world.simulator.faults.add(rule);
      note(`-- fault ${JSON.stringify(rule)}`);
    }
  }

  async #pass(): Promise<void> {
    const { note } = this.#stage;
    const random = this.#random;
    const sweeps: Sweep[] = ['new', 'open'];
    if (random.chance(0.4)) sweeps.push('lookback');
    if (random.chance(0.35)) sweeps.push('reconcile');
    this.#disturbance = random.pick([
      ...(['none', 'none', 'none', 'stop at an answer', 'stop at an answer', 'stop at a load'] as const),
      ...(['stop after a load', 'cut', 'cut meanwhile', 'supersede'] as const),
    ]);
    this.#answersLeft = random.int(1, 40);
    this.#loadsLeft = random.int(1, 5);
    this.#stop = new AbortController();
    this.#isSuperseded = false;
    note(`-- pass ${sweeps.join(' ')}; ${this.#disturbance}`);
    await this.#run(sweeps, this.#stop.signal);
  }

  /** A pass; what may end it is what was done to it. */
  async #run(sweeps: Sweep[], signal: AbortSignal): Promise<void> {
    const { world, note } = this.#stage;
    try {
      const context = await this.#stage.attend();
      context.counts = createCounts();
      for (const sweep of sweeps) context.requests.sweeps.add(sweep);
      context.requests.openFromStart = this.#random.chance(0.5);
      await pass(context, AbortSignal.any([signal, AbortSignal.timeout(hungAfterMs)]));
      const { fetched, changed, deleted, failed, incomplete } = context.counts;
      note(`-- done: ${JSON.stringify({ fetched, changed, deleted, failed, incomplete })}`);
    } catch (error) {
      const said = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
      note(`-- ended: ${said}`);

      if (!isTrouble(error)) this.#wrong ??= `a pass ended with ${error instanceof Error ? error.stack : said}`;
      if (error instanceof LeaseLost) await world.restart();
    }
  }

  async #answered(): Promise<void> {
    const { plan, note } = this.#stage;
    if (this.#isCalm) return;
    if (this.#random.chance(plan.changesMidPass)) note(`   meanwhile ${happen(this.#scene)}`);
    await this.#forget(0.02);
    this.#answersLeft -= 1;
    if (this.#answersLeft === 0 && this.#disturbance === 'stop at an answer') this.#stop.abort(new Error('stopped'));
  }

  async #loading(): Promise<() => Promise<void>> {
    const none = () => this.#forget(0.1);
    if (this.#isCalm) return async () => {};
    this.#loadsLeft -= 1;
    if (this.#loadsLeft !== 0) return none;
    switch (this.#disturbance) {
      case 'stop at a load':
        this.#stop.abort(new Error('stopped'));
        throw this.#stop.signal.reason;
      case 'cut':
        await this.#cut();
        return none;
      case 'cut meanwhile':
        return () => this.#cut();
      case 'supersede':
        return await this.#supersede();
      default:
        return none;
    }
  }

  /** Ends every connection of the program, as a server does that restarts. */
  async #cut(): Promise<void> {
    const statement = `select pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and application_name = 'program'`;
    await this.#stage.world.pool.query(statement);
  }

  /** Another worker takes over and does a pass while this one stands still; then this one goes on, and must not write. */
  async #supersede(): Promise<() => Promise<void>> {
    const { world, note } = this.#stage;
    world.supersede();
    this.#isCalm = true;
    for (let count = 3; count > 0; count -= 1) note(`   meanwhile ${happen(this.#scene)}`);
    note('-- superseded: another worker takes a pass');
    await this.#run(['new', 'open', 'lookback'], this.#stop.signal);
    this.#isCalm = false;
    this.#isSuperseded = true;
    return async () => {};
  }

  /** What a pass may have done to the tables: nothing forgotten, nothing half, stamps that say what changed. */
  async #compare(before: Map<string, Stored>): Promise<string | null> {
    const { world, reader, record, erasures } = this.#stage;
    const after = await readAll(world.pool);
    const last = [...before.values()].reduce((most, { stamp }) => (stamp > most ? stamp : most), '');
    for (const [id, stored] of after) {
      reader.check(stored);
      const was = before.get(id);
      const same =
        was !== undefined &&
        was.digest === stored.digest &&
        was.deleted === stored.deleted &&
        was.results === stored.results;
      if (same && was.stamp !== stored.stamp && !this.#touched(id))
        return `synced_at of ${id} moved, and nothing changed`;
      if (!same && stored.stamp <= last) return `${id} changed, and its synced_at is not after ${last}`;
    }
    for (const [id, { deleted }] of after) {
      if (deleted && !before.get(id)?.deleted && !this.#mayBeDeleted(id))
        return `${id} is marked deleted, and never was`;
    }
    const due = await world.pool.query<{ id: string }>('select conversation_id as id from twilio_sync.due');
    const known = new Set([...after.keys(), ...due.rows.map(({ id }) => id), ...erasures.forgotten]);
    for (const id of record.listed) if (!known.has(id)) return `${id} was listed, its slice is done, and it is lost`;
    for (const id of before.keys())
      if (!after.has(id) && !erasures.forgotten.has(id)) return `${id} was stored, and is lost`;
    const trace = await erasures.findTrace();
    if (trace !== null) return trace;
    const [unexplained] = await readUnexplained(world.pool);
    if (unexplained !== undefined) return `nothing says why the result ${unexplained} is not stored`;
    const [wrong] = await wrongMetrics(world.pool);
    if (wrong !== undefined) return wrong;
    return reader.found;
  }

  /** It was, or both keys lied: it was not listed, and its detail was answered with 404. */
  #mayBeDeleted(id: string): boolean {
    const { plan, history } = this.#stage;
    const shifts = plan.switches.paging === 'offset' && plan.changesMidPass > 0;
    if ((plan.hides || shifts) && this.#lies404) return true;
    return history.versions(id).some(({ digest }) => digest === null);
  }

  /** Changed, and changed back, within one pass. */
  #touched(id: string): boolean {
    const { history, world } = this.#stage;
    const recent = history.versions(id).filter(({ atMs }) => atMs > world.nowMs - 3_600_000 * 48);
    return recent.length > 1;
  }
}

/** What the surroundings may do to a pass; anything else is the program's own fault. */
function isTrouble(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (/^(stopped|no detail can be fetched)/.test(error.message)) return true;
  const troubles = [
    'Unauthorized',
    'Unavailable',
    'Unreachable',
    'BadAnswer',
    'Refused',
    'NotFound',
    'TooLarge',
    'TokenExpired',
    'TimeUnknown',
  ];
  return [...troubles, 'LeaseLost', 'DatabaseTrouble'].includes(error.name);
}
