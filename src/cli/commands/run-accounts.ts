// `run` with an accounts file: the parts of the process, and a life for each account in it. Ends with 0 by a signal, with 2 where a
// person has to put something right before any account can be worked for.

import { createProcessRoom, holderName } from '../../app.ts';
import type { AccountsRead } from '../../config/accounts.ts';
import type { Config } from '../../config/config.ts';
import { openConfigured } from '../../database.ts';
import { createAccountsWatch } from '../../server/accounts-watch.ts';
import { openHttpServer } from '../../server/http.ts';
import { addAccountPages } from '../../server/page/route.ts';
import { workForAccounts } from '../../worker/accounts.ts';
import type { Log } from '../../worker/log.ts';
import { createWebhooks } from '../../worker/webhooks.ts';
import { exitStatus, isMisconfigured } from '../exit-status.ts';
import type { RunOptions } from './run.ts';

/** Where the accounts come from. */
export interface AccountsSource {
  first: AccountsRead;
  /** Reads the file again. @returns null if it is as it was. @throws ConfigError. */
  reread(): AccountsRead | null;
}

export interface AccountsRunOptions extends RunOptions {
  /** How often the file is looked at. */
  lookEveryMs?: number;
}

/** Works until the signal is aborted. @returns the exit status. @throws what a person has to fix. */
export async function runAccounts(
  config: Pick<Config, 'database' | 'http' | 'webhook'>,
  { first, reread }: AccountsSource,
  log: Log,
  signal: AbortSignal,
  { onListening, onWebhooks, limits = {}, lookEveryMs }: AccountsRunOptions = {},
): Promise<number> {
  const watch = createAccountsWatch();
  const server = await openHttpServer({
    ...config.http,
    log,
    trouble: watch.trouble,
    readiness: watch.readiness,
    routes: [watch.route, (app) => addAccountPages(app, watch)],
  });
  onListening?.(server.url);
  log.info({ url: server.url }, 'listening');
  const onStray = watch.metrics.strayWebhook;
  const webhooks = createWebhooks({ webhook: config.webhook, log, isByAccount: true, onStray });
  try {
    await using opened = await openConfigured(config.database, { adopt: true, limits: limits.database ?? {}, signal });
    return await workForAccounts({
      first,
      reread,
      opened,
      replica: holderName('run'),
      log,
      signal,
      watch,
      webhooks,
      room: createProcessRoom({ many: true }),
      requestMs: limits.requestMs,
      async onBegun() {
        const url = await webhooks?.listen();
        if (url !== undefined) onWebhooks?.(url);
      },
      isMisconfigured,
      ...(lookEveryMs !== undefined && { lookEveryMs }),
    });
  } catch (error) {
    if (signal.aborted) return exitStatus.inSync;
    throw error;
  } finally {
    await webhooks?.close();
    await server.close();
  }
}
