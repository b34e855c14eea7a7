// A webhook's body in, an outcome out, once what it announces is committed. Webhooks that come while the database is writing are
// written together. The same body again within a minute is nothing new. Bodies are not kept, only their hashes.

import { wait } from '../lib/wait.ts';
import { hashOfBody } from './signature.ts';
import { type Push, understand } from './understand.ts';

/** `repeated`: taken before. `unknown`: a shape that is not known. `unavailable`: it could not be committed in time. */
export const webhookOutcomes = ['taken', 'repeated', 'unknown', 'other_account', 'refused', 'unavailable'] as const;
export type WebhookOutcome = (typeof webhookOutcomes)[number];

export interface ReceiverOptions {
  /** The account whose conversations are synced. */
  accountSid: string;
  /** Commits what a number of webhooks announced; each conversation is named once. */
  put(pushes: Push[], count: number): Promise<void>;
  /** Called after each commit. */
  onCommitted(): void;
  /** Called when a commit fails. */
  onFailed(error: unknown): void;
  monotonicMs?: () => number;
  /** How long to wait for a commit. Twilio waits 15 s for an answer. */
  commitMs?: number;
}

export interface Receiver {
  /** Never rejects. */
  receive(body: Uint8Array): Promise<Exclude<WebhookOutcome, 'refused'>>;
}

const repeatedWithinMs = 60_000;
const mostRemembered = 20_000;

export function createReceiver(options: ReceiverOptions): Receiver {
  const { accountSid, monotonicMs = () => performance.now(), commitMs = 10_000 } = options;
  const commit = createCommits(options);
  const remembered = new Map<string, { committed: Promise<void>; untilMs: number }>();

  /** In the order of insertion, which is that of their ends. */
  const forgetOld = () => {
    for (const [hash, { untilMs }] of remembered) {
      if (untilMs > monotonicMs() && remembered.size < mostRemembered) return;
      remembered.delete(hash);
    }
  };

  return {
    async receive(body) {
      const understood = understand(body, accountSid);
      if (understood.kind !== 'push') return understood.kind;
      const hash = hashOfBody(body);
      forgetOld();
      const before = remembered.get(hash)?.committed;
      const committed = before ?? commit(understood.push);
      if (before === undefined) {
        const entry = { committed, untilMs: monotonicMs() + repeatedWithinMs };
        remembered.set(hash, entry);
        committed.catch(() => remembered.get(hash) === entry && remembered.delete(hash));
      }
      const inTime = await within(committed, commitMs);
      if (!inTime) return 'unavailable';
      return before === undefined ? 'taken' : 'repeated';
    },
  };
}

/** Whether the work succeeds within this time. */
async function within(work: Promise<void>, ms: number): Promise<boolean> {
  const over = new AbortController();
  const late = wait(ms, over.signal).then(() => false);
  const done = work.then(
    () => true,
    () => false,
  );
  late.catch(() => {});
  return await Promise.race([done, late]).finally(() => over.abort());
}

interface Group {
  announced: Map<string, Set<string>>;
  count: number;
  done: PromiseWithResolvers<void>;
}

/** One commit at a time. What comes meanwhile is in the next. */
function createCommits({ put, onCommitted, onFailed }: ReceiverOptions): (push: Push) => Promise<void> {
  let next: Group | null = null;
  let isRunning = false;
  const run = async () => {
    isRunning = true;
    while (next !== null) {
      const { announced, count, done } = next;
      next = null;
      const pushes = [...announced].map(([conversationId, ids]) => ({ conversationId, resultIds: [...ids] }));
      try {
        await put(pushes, count);
        done.resolve();
        onCommitted();
      } catch (error) {
        done.reject(error);
        onFailed(error);
      }
    }
    isRunning = false;
  };
  return ({ conversationId, resultIds }) => {
    const group = next ?? { announced: new Map(), count: 0, done: Promise.withResolvers<void>() };
    next = group;
    group.count += 1;
    group.announced.set(conversationId, new Set([...(group.announced.get(conversationId) ?? []), ...resultIds]));
    if (!isRunning) void run();
    return group.done.promise;
  };
}
