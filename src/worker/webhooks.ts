// Webhooks as a part of the worker: the listener, what is done with what it takes, and what is told of that.

import type { WebhookConfig } from '../config/webhook.ts';
import type { Database } from '../postgres/database.ts';
import { createPushedStore, putPushed } from '../postgres/pushed.ts';
import type { Watch } from '../server/watch.ts';
import type { Context } from '../sync/context.ts';
import { openListener } from '../webhooks/listener.ts';
import { createReceiver } from '../webhooks/receive.ts';
import type { Refusal } from '../webhooks/signature.ts';
import type { Log } from './log.ts';
import { createBell, followPushes } from './pushes.ts';

export interface WebhooksOptions {
  webhook: WebhookConfig | undefined;
  accountSid: string;
  log: Log;
  watch: Watch;
}

export interface Webhooks {
  /** Where they are taken: `http://host:port`. */
  url: string;
  /** Until then, each webhook is answered 503. */
  setDatabase(database: Database): void;
  /** Fetches what webhooks announce, under the lease. @throws LeaseLost, or the signal's reason. */
  follow(work: { context: Context; database: Database; log: Log; signal: AbortSignal }): Promise<never>;
  close(): Promise<void>;
}

/** How often the same is logged at most: somebody may send thousands a second. */
const sayEveryMs = 60_000;

/** Passes on the first of many, and how many there were since the last that was passed on. */
function createSayer<What>(say: (what: What, count: number) => void): (what: What) => void {
  let count = 0;
  let saidAtMs = Number.NEGATIVE_INFINITY;
  return (what) => {
    count += 1;
    if (performance.now() - saidAtMs < sayEveryMs) return;
    saidAtMs = performance.now();
    say(what, count);
    count = 0;
  };
}

/** Starts to listen; null without a port. @throws ListenError. */
export async function openWebhooks({ webhook, accountSid, log, watch }: WebhooksOptions): Promise<Webhooks | null> {
  if (webhook?.port === undefined || webhook.url === undefined) return null;
  const { host, port, url } = webhook;
  const { metrics } = watch;
  const bell = createBell();
  let database: Database | undefined;
  const sayRefused = createSayer((reason: Refusal | undefined, refused) =>
    log.warn({ reason, refused }, 'webhooks were refused; see conversation-sync doctor --webhook'),
  );
  const sayFailed = createSayer((error: unknown, failed) =>
    log.warn({ err: error, failed }, 'webhooks could not be committed'),
  );
  const receiver = createReceiver({
    accountSid,
    async put(pushes, count) {
      if (database === undefined) throw new Error('the database is not ready yet');
      await putPushed(database, pushes, count);
    },
    onCommitted: bell.ring,
    onFailed: sayFailed,
  });
  const listener = await openListener({
    host,
    port,
    url,
    keys: webhook,
    receiver,
    onAnswer(outcome, refusal) {
      metrics.webhook(outcome);
      if (outcome === 'refused') sayRefused(refusal);
    },
  });
  log.info({ url: listener.url }, 'taking webhooks');
  return {
    url: listener.url,
    setDatabase(opened) {
      database = opened;
    },
    follow: (work) =>
      followPushes({
        ...work,
        bell,
        store: createPushedStore(work.database),
        onStored(counts, waitedMs) {
          metrics.count(counts);
          metrics.pushed(waitedMs);
        },
      }),
    close: listener.close,
  };
}
