// `demo`: everything on one machine without configuration: an embedded Postgres, the API simulator with live traffic,
// and the worker. It ignores the settings of a real installation and never touches one.

import { noFilters } from '../../config/config.ts';
import { connectionOf, parametersOfUrl } from '../../config/connection-string.ts';
import { openEmbedded } from '../../embedded/embedded.ts';
import { day } from '../../lib/duration.ts';
import { wait } from '../../lib/wait.ts';
import { openDatabase } from '../../postgres/database.ts';
import { startPushes } from '../../simulator/pushes.ts';
import { fillSource } from '../../simulator/seed.ts';
import { startSimulator } from '../../simulator/server.ts';
import { Traffic } from '../../simulator/traffic.ts';
import { readSnapshot } from '../../status/snapshot.ts';
import { keepEverything } from '../../sync/keep.ts';
import type { Log } from '../../worker/log.ts';
import type { Terminal } from '../terminal.ts';
import { type RunConfig, run } from './run.ts';

export interface DemoOptions {
  /** Folder of the database; emptied at the start. */
  folder: string;
  conversations: number;
  days: number;
}

const reportEveryMs = 5_000;
/** As if it were entered at Twilio, and a proxy led from there to the worker. */
const webhookUrl = 'https://demo.example/twilio/webhook';
/** Soon enough to see them arrive. */
const lateResultMs = 60_000;

/** Runs until the signal is aborted. @returns the exit status. @throws EmbeddedInUse if a demo runs already. */
export async function demo(options: DemoOptions, log: Log, terminal: Terminal, signal: AbortSignal): Promise<number> {
  const embedded = await openEmbedded({ folder: options.folder, empty: true, durable: false });
  const simulator = await startSimulator({ keepRecords: false });
  try {
    fillSource(simulator.source, { conversations: options.conversations, untilMs: Date.now(), days: options.days });
    using traffic = new Traffic(simulator.source, { lateResultMs });
    traffic.start();
    const connection = connectionOf(
      parametersOfUrl(embedded.url) ?? {},
      () => '',
      () => {},
    );
    terminal.write(
      `Simulated API   ${simulator.url}  (${options.conversations} conversations over ${options.days} days, and live traffic)`,
    );
    terminal.write(`Database        ${embedded.psql}`);
    const database = openDatabase(connection);
    const config = demoConfig(options, simulator.url, simulator.credentials, connection);
    const working = run(config, log, signal, {
      onListening: (url) => terminal.write(`Status page     ${url}/\n`),
      onWebhooks(target) {
        const { authToken } = simulator.credentials;
        // As it is on the way from Twilio: some are lost, some come twice, late or in another order.
        startPushes({
          source: simulator.source,
          url: webhookUrl,
          target,
          authToken,
          lost: 0.1,
          doubled: 0.1,
          lateMs: 300,
        });
        terminal.write(
          `Webhooks        ${target}/  (the simulated API pushes what changes, and the copy has it a moment later)`,
        );
      },
    });
    try {
      await Promise.race([working, reportFreshness(database, terminal, signal)]);
      return await working;
    } finally {
      await database.close();
    }
  } finally {
    await simulator.close();
    await embedded.close();
  }
}

/** The settings of a worker on a simulated API: like the defaults, but with short intervals. */
export function demoConfig(
  { days }: { days: number },
  url: string,
  credentials: { accountSid: string; authToken: string },
  connection: ReturnType<typeof connectionOf>,
): RunConfig {
  return {
    api: {
      accountSid: credentials.accountSid,
      username: credentials.accountSid,
      password: credentials.authToken,
      edge: undefined,
      region: undefined,
      url,
      createdFilter: 'auto',
      maxConcurrency: 32,
      proxy: { https: undefined, http: undefined, none: undefined },
    },
    database: { kind: 'server', schema: 'twilio', connection },
    filters: noFilters,
    sync: {
      start: Math.floor(Date.now() / 1000) - (days + 1) * day,
      lookbackSeconds: 3 * day,
      operatorResults: true,
      notify: false,
      keep: keepEverything,
      mask: { omit: [], hash: [], key: '' },
      refreshSeconds: [60, 300],
      schedules: { new: '*/5 * * * * *', lookback: '*/30 * * * * *', reconcile: '*/5 * * * *' },
    },
    http: { host: '127.0.0.1', port: 0 },
    webhook: { port: 0, host: '127.0.0.1', url: webhookUrl, authToken: credentials.authToken, sharedKey: undefined },
  };
}

/** Prints every few seconds how much is stored and how fresh it is. */
async function reportFreshness(
  database: ReturnType<typeof openDatabase>,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    await wait(reportEveryMs, signal).catch(() => {});
    if (signal.aborted) return;
    try {
      const { conversations, open, communications, operatorResults, listedSecondsAgo, pendingDays } =
        await database.run(readSnapshot);
      const fresh =
        listedSecondsAgo === null ? 'nothing listed yet' : `in sync up to ${Math.max(0, listedSecondsAgo)} s ago`;
      const pending = pendingDays > 0 ? `, ${pendingDays} days still to be listed` : '';
      terminal.write(
        `${conversations} conversations (${open} open), ${communications} communications, ${operatorResults} operator results; ${fresh}${pending}`,
      );
    } catch {
      // Not migrated yet, or ending.
    }
  }
}
