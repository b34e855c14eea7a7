// What is promised once all trouble has ended, in the order in which it is promised: after a reconcile, everything that a
// listing can show; after that, nothing to fetch or to write; after a retry, the quarantine too; after a full
// verification and its repair, every value.

import { firstDifference, readAll, type Stored } from './rows.ts';
import type { Stage } from './run.ts';

const minute = 60_000;
const day = 24 * 60 * minute;

interface Due {
  id: string;
  reason: string;
  /** It was tried, and waits for its time. */
  later: boolean;
}

/** Ends all trouble and holds the program to its promises. @returns the first one not kept. */
export async function keepPeace(stage: Stage): Promise<string | null> {
  const { world, reader, note } = stage;
  world.simulator.faults.clear();
  world.simulator.turn({ lists: 'all', forbidden: [] });
  // Only a list of everything, in order, shows what is deleted.
  world.simulator.turn({ resultOrder: 'newestFirst', resultsOfAll: 'listed' });
  // What lists late has listed, and a slow clock has passed the newest.
  world.nowMs += 15 * minute;
  note('-- peace');
  const steps: [string, () => Promise<string | null>][] = [
    ['after a reconcile', () => afterReconcile(stage)],
    ['after a second reconcile', () => afterSecond(stage)],
    ['after a retry', () => afterRetry(stage)],
    ['a month later', () => aMonthLater(stage)],
    ['after ticks', () => afterTicks(stage)],
    ['after a repair', () => afterRepair(stage)],
    ['after the forgotten were asked for', () => afterAsking(stage)],
  ];
  for (const [when, step] of steps) {
    await stage.attend();
    const difference = (await step()) ?? reader.found;
    note(`-- ${when}: ${difference ?? 'as promised'}`);
    if (difference !== null) {
      await noteBooks(stage, difference);
      return `${when}: ${difference}`;
    }
  }
  return null;
}

async function afterReconcile(stage: Stage): Promise<string | null> {
  const { world, note } = stage;
  const counts = await world.sync({ reconcile: true });
  note(
    `-- reconciled: ${JSON.stringify({ fetched: counts.fetched, changed: counts.changed, incomplete: counts.incomplete })}`,
  );
  const { rows: pending } = await world.pool.query(`select sweep from twilio_sync.windows where completed_at is null`);
  if (pending.length > 0) return `windows are left: ${JSON.stringify(pending)}`;
  // Told so by the exit status: what failed, or was listed without a detail, is tried again in its own time.
  const waiting = (await readDue(stage)).filter(({ later }) => later);
  const ids = (...reasons: string[]) =>
    new Set(waiting.filter(({ reason }) => reasons.includes(reason)).map(({ id }) => id));
  return await visible(stage, ids('failed', 'absent'), ids('missing', 'failed', 'absent'));
}

async function afterSecond(stage: Stage): Promise<string | null> {
  const { world, plan } = stage;
  // Of a detail that was due, the program foresees what the list will show if that is as the reference has it; where it
  // is not, the next listing fetches it once more.
  const { listedResults = 'all', itemsWithout = [] } = plan.switches;
  if (listedResults !== 'all' || itemsWithout.length > 0) await world.sync({ reconcile: true });
  const before = await world.rowsWritten();
  world.simulator.requests.reset();
  await world.sync({ reconcile: true });
  const fetched = world.simulator.requests.detailIds();
  if (fetched.length > 0) return `fetched again: ${fetched.slice(0, 5).join(', ')}`;
  const written = (await world.rowsWritten()) - before;
  return written === 0 ? null : `${written} rows were written again`;
}

async function afterRetry(stage: Stage): Promise<string | null> {
  // What is asked for once is fetched once: a lag that ends only with so many fetches is over.
  stage.world.simulator.turn({ detailLagFetches: 0 });
  const ids = (await readDue(stage))
    .filter(({ reason }) => reason === 'failed' || reason === 'absent')
    .map(({ id }) => id);
  if (ids.length > 0) await stage.world.fetch([...new Set(ids)]);
  const waiting = (await readDue(stage)).filter(({ reason, later }) => reason === 'missing' && later);
  return await visible(stage, new Set(), new Set(waiting.map(({ id }) => id)), ids);
}

/** Whatever waited for its time has had it. */
async function aMonthLater(stage: Stage): Promise<string | null> {
  const { world } = stage;
  // Conversations are found by shorter ranges. A list of results that ends early shows no deletion, and the brake holds.
  world.simulator.turn({ listCap: null });
  world.nowMs += 31 * day;
  await world.sync({ reconcile: true });
  return await visible(stage, new Set(), new Set());
}

/** Results come a while after what names them. */
async function afterTicks({ world, history }: Stage): Promise<string | null> {
  for (let tick = 0; tick < 3; tick += 1) {
    world.nowMs += 11 * minute;
    await world.pass('new', 'open', 'lookback');
  }
  const served = world.source.results().map((result) => history.presentResult(result));
  const { resultDifferences } = await import('../result-oracle.ts');
  const found = await resultDifferences(world.pool, served);
  return found.length === 0 ? null : found.slice(0, 3).join('; ');
}

async function afterRepair(stage: Stage): Promise<string | null> {
  const { world, history, note, erasures } = stage;
  world.simulator.turn({ detailLagMs: 0, detailLagFetches: 0 });
  const { findings } = await world.verify('full');
  const kinds = Object.groupBy(findings, ({ kind }) => kind);
  note(
    `-- verified: ${
      Object.entries(kinds)
        .map(([kind, found = []]) => `${found.length} ${kind}`)
        .join(', ') || 'equal'
    }`,
  );
  if ((kinds.unverified ?? []).length > 0) return `not verified: ${JSON.stringify(kinds.unverified)}`;
  if (findings.length > 0) await world.fetch(findings.map(({ id }) => id));
  const again = await world.verify('full');
  if (again.findings.length > 0) return `still found: ${JSON.stringify(again.findings.slice(0, 3))}`;
  const all = world.source.all().filter(({ id }) => !erasures.forgotten.has(id));
  const presented = all.map((whole) => history.present(whole));
  const { differences } = await import('../oracle.ts');
  const found = await differences(world.pool, presented);
  if (found.length > 0) return found.slice(0, 3).join('; ');
  const { rows: due } = await world.pool.query(
    `select conversation_id, reason from twilio_sync.due where reason in ('failed', 'behind', 'asked')`,
  );
  return due.length === 0 ? null : `still due: ${JSON.stringify(due)}`;
}

/** Neither a webhook nor a person brings back what was forgotten. */
async function afterAsking({ world, erasures }: Stage): Promise<string | null> {
  await erasures.askForThem();
  await world.pass('new');
  return await erasures.findTrace();
}

/** What the program's books say of a conversation that a difference names, for whoever reads the timeline. */
async function noteBooks({ world, history, note }: Stage, difference: string): Promise<void> {
  const id = history.ids().find((each) => difference.includes(each));
  for (const table of ['fingerprints', 'due', 'results_due']) {
    const { rows } = await world.pool.query(`select * from twilio_sync.${table} where conversation_id = $1`, [id]);
    note(`   ${table}: ${JSON.stringify(rows)}`);
  }
  for (const table of ['results_head', 'results_walks']) {
    const { rows } = await world.pool.query(`select * from twilio_sync.${table}`);
    note(`   ${table}: ${JSON.stringify(rows)}`);
  }
}

async function readDue({ world, plan }: Stage): Promise<Due[]> {
  const { rows } = await world.pool.query<Due>(
    `select conversation_id as id, reason, due_at > to_timestamp($1) and attempts > 0 as later from twilio_sync.due`,
    [Math.floor((world.nowMs + (plan.switches.dateOffsetMs ?? 0)) / 1000)],
  );
  return rows;
}

/** Everything that a listing can show, and no conversation forgotten. */
async function visible(
  stage: Stage,
  unfetched: Set<string>,
  undeleted: Set<string>,
  retried: string[] = [],
): Promise<string | null> {
  const { world, history, record, erasures } = stage;
  const { forgotten } = erasures;
  const stored = await readAll(world.pool);
  const due = new Set((await readDue(stage)).map(({ id }) => id));
  const isLost = (id: string) => !stored.has(id) && !forgotten.has(id);
  for (const id of record.stored.keys()) if (isLost(id)) return `${id} was stored, and is lost`;
  for (const id of record.listed)
    if (isLost(id) && !due.has(id) && !retried.includes(id)) return `${id} was listed, and is lost`;
  for (const id of history.ids()) {
    if (forgotten.has(id)) continue;
    const here = stored.get(id);
    if (history.current(id)?.digest === null) {
      if (here && !here.deleted && !undeleted.has(id)) return `${id} is gone, and not marked deleted`;
    } else if (!unfetched.has(id)) {
      if (here === undefined) return `${id} is not stored`;
      if (here.deleted) return `${id} is there, and marked deleted`;
      const difference = isCurrent(stage, here);
      if (difference !== null) return difference;
    }
  }
  for (const id of stored.keys()) if (history.versions(id).length === 0) return `${id} is stored, and never was`;
  return await erasures.findTrace();
}

/**
 * A stored version may be an older one only where what came after was silent: its list item is the present one, it is no
 * older than the last detail stored, and no older than the last refresh after closing.
 */
function isCurrent({ history, record, world, plan }: Stage, { id, digest, rows }: Stored): string | null {
  const current = history.current(id);
  if (current === undefined || current.digest === digest) return null;
  const lastStored = record.stored.get(id);
  const fetched = lastStored === undefined ? undefined : history.find(id, lastStored);
  const floor = Math.max(fetched?.seq ?? 0, refreshed());
  const silent = history
    .versions(id)
    .some((version) => version.digest === digest && version.item === current.item && version.seq >= floor);
  return silent ? null : firstDifference(current.rows, rows);

  function refreshed(): number {
    // The closing that the program knows of.
    const known = history.find(id, digest);
    if (known?.status !== 'CLOSED' || known.updatedAt === null) return 0;
    const lagMs = plan.switches.detailLagFetches ? Number.POSITIVE_INFINITY : (plan.switches.detailLagMs ?? 0);
    const offsetMs = Math.abs(plan.switches.dateOffsetMs ?? 0);
    const closedAt = Date.parse(known.updatedAt);
    const instants = [60 * minute, day]
      .map((ms) => closedAt + ms)
      .filter((at) => at <= world.nowMs - offsetMs - minute);
    if (instants.length === 0) return 0;
    return history.at(id, Math.max(...instants) - offsetMs - lagMs)?.seq ?? 0;
  }
}
