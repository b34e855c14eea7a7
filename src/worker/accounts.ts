// Many accounts in one process: each has a life of its own, and they come and go with the accounts file. What changes in the file ends
// and begins the lives that it is about, and touches no other. An account that leaves is given back; its tables stay.

import { createHash } from 'node:crypto';
import { type Account, type AccountsRead, copiesOf } from '../config/accounts.ts';
import { ConfigError } from '../config/config.ts';
import type { OpenedDatabase } from '../database.ts';
import { atMost } from '../lib/at-most.ts';
import { wait } from '../lib/wait.ts';
import { NewerSchema, Obstacle } from '../postgres/obstacles.ts';
import type { AccountsWatch } from '../server/accounts-watch.ts';
import type { Room } from '../sync/room.ts';
import { workForAccount } from './account.ts';
import { keepAllViews } from './all-views.ts';
import type { Log } from './log.ts';
import { createPlaces, type Places } from './places.ts';
import { keepSharing } from './sharing.ts';
import type { Webhooks } from './webhooks.ts';

export interface AccountsOptions {
  first: AccountsRead;
  /** Reads the file again. @returns null if it is as it was. @throws ConfigError. */
  reread(): AccountsRead | null;
  opened: OpenedDatabase;
  /** Names this process among its replicas. */
  replica: string;
  log: Log;
  signal: AbortSignal;
  watch: AccountsWatch;
  webhooks: Webhooks | null;
  room: Room;
  /** The time limit for a request, if not the client's own. */
  requestMs: number | undefined;
  /** Called once the first accounts are known to the server and the listener. */
  onBegun(): Promise<void>;
  /** Whether a person has to correct something first. */
  isMisconfigured(error: unknown): boolean;
  /** Shorter waits, for tests. */
  lookEveryMs?: number;
}

interface Life {
  account: Account;
  end(reason: Error): void;
  ended: Promise<void>;
  /** Why it could not begin, where a person has to correct that. */
  wrong: unknown;
}

const lookEveryMs = 10_000;
/** Checks of migrations at once, each on a connection of its own. */
const migrationsAtOnce = 4;

/**
 * Works for the accounts until the signal is aborted.
 * @throws its reason; ListenError; and, if none of the first accounts can be worked for until a person has corrected something, why.
 */
export async function workForAccounts(options: AccountsOptions): Promise<never> {
  const { opened, signal: outer, log, first } = options;
  const ended = new AbortController();
  const signal = AbortSignal.any([outer, ended.signal]);
  const count = () => lives.lives.size;
  const places = createPlaces({ pauseMs: () => pauseMs(count()) });
  const views = { due: true };
  const lives = createLives({ ...options, signal }, places, views);
  let { refused } = first;
  /** Those of the file whose tables are known, also if nobody can work for them just now. */
  const copies = () =>
    copiesOf({
      accounts: [...lives.lives.values()].map(({ account }) => account),
      refused: refused.filter(({ schema }) => schema === null || !lives.lives.has(schema)),
    });
  const apply = (read: AccountsRead) => {
    refused = read.refused;
    lives.apply(read);
  };
  const isTime = () => places.taken() > 0 && !lives.areMigrating();
  const { database } = opened;
  let flows: Promise<never>[] = [];
  try {
    lives.apply(first);
    options.watch.setDatabase(database);
    await options.onBegun();
    flows = [
      keepReading({ ...options, signal }, apply),
      keepSharing({ database, replica: options.replica, accounts: count, places, log, signal }),
      keepAllViews({ database, accounts: copies, views, isTime, log, signal }),
    ];
    return await Promise.race([lives.allWrong, ...flows]);
  } finally {
    ended.abort(new Error('the process ends'));
    await Promise.allSettled([...flows, lives.ended()]);
  }
}

/** How long until an account that another process holds is tried again: the leases of a dead one are found within a few seconds. */
const pauseMs = (accounts: number) => Math.min(4_000, Math.max(2_000, accounts * 4));

/** Looks at the file again and again. What cannot be used changes nothing, and is logged once. */
async function keepReading(
  { reread, log, signal, lookEveryMs: everyMs = lookEveryMs }: AccountsOptions,
  apply: (read: AccountsRead) => void,
): Promise<never> {
  let said = '';
  for (;;) {
    await wait(everyMs, signal);
    try {
      const read = reread();
      said = '';
      if (read !== null) apply(read);
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      if (error.message !== said) log.error({ err: error }, 'the accounts file cannot be used; the accounts stay');
      said = error.message;
    }
  }
}

function createLives(options: AccountsOptions, places: Places, views: { due: boolean }) {
  const { opened, log, watch, webhooks, isMisconfigured } = options;
  const lives = new Map<string, Life>();
  /** Those that have not come to their end yet. */
  const ending = new Set<Life>();
  const migrating = atMost(migrationsAtOnce);
  const { promise: allWrong, reject: endAsWrong } = Promise.withResolvers<never>();
  allWrong.catch(() => {});
  let preparing = 0;
  let times = 0;
  let refusedBefore = '';

  const begin = (account: Account, among: number) => {
    const { sid, schema } = account;
    const own = new AbortController();
    const signal = AbortSignal.any([options.signal, own.signal]);
    const ownLog = log.child({ account: sid });
    const work = async () => {
      const ownWatch = watch.add({ sid, schema, schedule: account.sync.schedules.new, among });
      const database = opened.database.under(schema);
      const hook = webhooks?.add({ accountSid: sid, keys: account.webhook, log: ownLog, watch: ownWatch }) ?? null;
      hook?.setDatabase(database);
      const working = workForAccount({
        config: account,
        database,
        async migrate(onProgress) {
          preparing += 1;
          const prepared = migrating(() => opened.prepare(onProgress, { schema, signal }));
          const applied = await prepared.finally(() => {
            preparing -= 1;
          });
          views.due ||= applied > 0;
          return applied;
        },
        log: ownLog,
        signal,
        watch: ownWatch,
        room: options.room,
        webhooks: hook,
        spread: partOf(sid),
        requestMs: options.requestMs,
        async enter(given) {
          const entering = places.enter(schema, given);
          if (places.isFull() && ownWatch.process.failure === null)
            Object.assign(ownWatch.process, { phase: 'standby', heldBy: 'another replica' });
          return await ownWatch.heartbeat.during(() => entering);
        },
        onFailure(error, hasWorked) {
          if (!hasWorked && isMisconfigured(error) && !(error instanceof NewerSchema)) life.wrong = error;
          if (times === 1 && [...lives.values()].every(({ wrong }) => wrong !== null)) endAsWrong(error);
          return false;
        },
        isLasting: (error) => isMisconfigured(error) || error instanceof Obstacle,
      });
      await working.catch((error: unknown) => {
        if (!signal.aborted) ownLog.error({ err: error }, 'the work for this account has ended');
      });
      hook?.remove();
      await watch.remove(schema);
    };
    // The same account or schema under another entry: that one has to end first.
    const before = [...ending].filter(({ account: { sid: other, schema: its } }) => other === sid || its === schema);
    const life: Life = {
      account,
      end: (reason) => own.abort(reason),
      ended: before.length === 0 ? work() : Promise.all(before.map(({ ended }) => ended)).then(work),
      wrong: null,
    };
    lives.set(schema, life);
    ending.add(life);
    void life.ended.finally(() => ending.delete(life));
  };

  return {
    lives,
    allWrong,
    areMigrating: () => preparing > 0,
    /** Begins and ends lives so that they are those of the file. */
    apply({ accounts, refused }: AccountsRead) {
      const wanted = new Map(accounts.map((account) => [account.schema, account]));
      // An entry that has become wrong says nothing of what is meant: its account goes on as it was.
      const isRefused = ({ account: { sid, schema } }: Life) =>
        refused.some((entry) => entry.sid === sid || entry.schema === schema);
      const isSame = ({ account }: Life, { sid, version } = account) =>
        account.sid === sid && account.version === version;
      const left = [...lives.values()].filter((life) => {
        const next = wanted.get(life.account.schema);
        return next === undefined ? !isRefused(life) : !isSame(life, next);
      });
      for (const life of left) {
        life.end(new Error('the account has left the accounts file, or its entry has changed'));
        lives.delete(life.account.schema);
      }
      const come = accounts.filter(({ schema }) => !lives.has(schema));
      const among = lives.size + come.length;
      opened.database.share(Math.max(1, among));
      for (const account of inOwnOrder(come, options.replica)) begin(account, among);
      watch.refused = refused;
      const problems = refused.flatMap((entry) => entry.problems.map(({ message }) => message));
      if (problems.length > 0 && problems.join('\n') !== refusedBefore)
        log.error({ problems }, 'entries of the accounts file are wrong; the other accounts go on');
      refusedBefore = problems.join('\n');
      times += 1;
      if (times > 1)
        log.info({ begun: come.length, ended: left.length, accounts: among }, 'the accounts file has changed');
      views.due = true;
    },
    async ended() {
      await Promise.all([...ending].map((life) => life.ended));
    },
  };
}

/** A number from 0 to 1 for a text: the same in every process. */
function partOf(text: string): number {
  return createHash('sha256').update(text).digest().readUInt32BE(0) / 2 ** 32;
}

/** In another order in each process, so that replicas do not all try the same leases first. */
function inOwnOrder(accounts: readonly Account[], replica: string): Account[] {
  return accounts.toSorted((a, b) => partOf(replica + a.sid) - partOf(replica + b.sid));
}
