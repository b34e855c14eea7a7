// Webhooks as a part of the worker: the listener, what is done with what it takes for each account, and what is told of that.

import type { WebhookConfig } from '../config/webhook.ts';
import type { Database } from '../postgres/database.ts';
import { createPushedStore, putPushed } from '../postgres/pushed.ts';
import type { AccountWatch } from '../server/watch.ts';
import type { Context } from '../sync/context.ts';
import { type Hook, type Listener, openListener } from '../webhooks/listener.ts';
import { createReceiver, type WebhookOutcome } from '../webhooks/receive.ts';
import { accountOf, type Refusal, urlOfAccount } from '../webhooks/signature.ts';
import type { Log } from './log.ts';
import { createBell, followPushes } from './pushes.ts';

export interface WebhooksOptions {
  webhook: WebhookConfig | undefined;
  log: Log;
  /** With an accounts file, the URL of each account ends in its SID. */
  isByAccount: boolean;
  /** Told of the answers to requests that are for no account. */
  onStray?: (outcome: WebhookOutcome) => void;
}

export interface HookOptions {
  accountSid: string;
  keys: Hook['keys'];
  log: Log;
  watch: AccountWatch;
}

/** The webhooks of one account. */
export interface AccountWebhooks {
  /** Until then, each webhook is answered 503. */
  setDatabase(database: Database): void;
  /** Fetches what webhooks announce, under the lease. @throws LeaseLost, or the signal's reason. */
  follow(work: { context: Context; database: Database; log: Log; signal: AbortSignal }): Promise<never>;
  /** No more are taken. */
  remove(): void;
}

export interface Webhooks {
  add(account: HookOptions): AccountWebhooks;
  /** Starts to listen. @returns where: `http://host:port`. @throws ListenError. */
  listen(): Promise<string>;
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

/** Makes them; null without a port. */
export function createWebhooks({ webhook, log, isByAccount, onStray }: WebhooksOptions): Webhooks | null {
  if (webhook?.port === undefined || webhook.url === undefined) return null;
  const { host, port, url } = webhook;
  const hooks = new Map<string, Hook>();
  const nobody = nobodysHook(url, log, onStray);
  let listener: Listener | undefined;
  return {
    add(account) {
      const { accountSid } = account;
      const { hook, ...own } = createHook(isByAccount ? urlOfAccount(url, accountSid) : url, account);
      const name = isByAccount ? accountSid.toLowerCase() : '';
      hooks.set(name, hook);
      return {
        ...own,
        remove() {
          if (hooks.get(name) === hook) hooks.delete(name);
        },
      };
    },
    async listen() {
      const hookOf = (target: string) => hooks.get(isByAccount ? (accountOf(target) ?? '') : '') ?? nobody;
      listener = await openListener({ host, port, hookOf });
      log.info({ url: listener.url }, 'taking webhooks');
      return listener.url;
    },
    async close() {
      await listener?.close();
    },
  };
}

/** Takes what is for an account that there is not: without a key, everything is refused as if it were signed wrongly. */
function nobodysHook(url: string, log: Log, onStray: (outcome: WebhookOutcome) => void = () => {}): Hook {
  const say = createSayer((_: null, refused) => log.warn({ refused }, 'webhooks for no account were refused'));
  return {
    url,
    keys: { authToken: undefined, sharedKey: undefined },
    receiver: { receive: async () => 'unavailable' },
    onAnswer(outcome) {
      onStray(outcome);
      say(null);
    },
  };
}

function createHook(url: string, { accountSid, keys, log, watch }: HookOptions) {
  const { metrics } = watch;
  const bell = createBell();
  let database: Database | undefined;
  const sayRefused = createSayer((reason: Refusal | undefined, refused) =>
    log.warn({ reason, refused }, 'webhooks were refused; see conversation-sync doctor --webhook'),
  );
  const sayFailed = createSayer((error: unknown, failed) =>
    log.warn({ err: error, failed }, 'webhooks could not be committed'),
  );
  const hook: Hook = {
    url,
    keys,
    receiver: createReceiver({
      accountSid,
      async put(pushes, count) {
        if (database === undefined) throw new Error('the database is not ready yet');
        await putPushed(database, pushes, count);
      },
      onCommitted: bell.ring,
      onFailed: sayFailed,
    }),
    onAnswer(outcome, refusal) {
      metrics.webhook(outcome);
      if (outcome === 'refused') sayRefused(refusal);
    },
  };
  return {
    hook,
    setDatabase(opened: Database) {
      database = opened;
    },
    follow: (work: Parameters<AccountWebhooks['follow']>[0]) =>
      followPushes({
        ...work,
        bell,
        store: createPushedStore(work.database),
        onStored(counts, waitedMs) {
          metrics.count(counts);
          metrics.pushed(waitedMs);
        },
      }),
  };
}
