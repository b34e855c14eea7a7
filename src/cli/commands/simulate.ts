// `simulate`: the API simulator alone, with live traffic, to try the worker without an account. It prints the settings for a
// worker. A signal ends it, with status 0.

import { startPushes } from '../../simulator/pushes.ts';
import { fillSource } from '../../simulator/seed.ts';
import { startSimulator } from '../../simulator/server.ts';
import { Traffic } from '../../simulator/traffic.ts';
import { exitStatus } from '../exit-status.ts';
import type { Terminal } from '../terminal.ts';

export interface SimulateOptions {
  host: string;
  port: number;
  conversations: number;
  days: number;
  seed: number;
  traffic: boolean;
  /** Where webhooks are sent; it is the URL that they are signed with. */
  push?: string;
}

/** Serves until the signal is aborted. @returns the exit status. */
export async function simulate(options: SimulateOptions, terminal: Terminal, signal: AbortSignal): Promise<number> {
  const { host, port, conversations, days, seed } = options;
  await using simulator = await startSimulator({ host, port, seed, keepRecords: false });
  fillSource(simulator.source, { conversations, days, seed, untilMs: Date.now() });
  using traffic = new Traffic(simulator.source, { seed });
  if (options.traffic) traffic.start();
  const { accountSid, authToken, apiKey, apiSecret } = simulator.credentials;
  const { push } = options;
  await using _pushes = push === undefined ? null : startPushes({ source: simulator.source, url: push, authToken });
  terminal.write(`Simulated API at ${simulator.url}, ${conversations} conversations over ${days} days. Settings:`);
  terminal.write(`  TWILIO_INTELLIGENCE_URL=${simulator.url}`);
  terminal.write(`  TWILIO_ACCOUNT_SID=${accountSid} TWILIO_AUTH_TOKEN=${authToken}`);
  terminal.write(`  or TWILIO_API_KEY=${apiKey} TWILIO_API_SECRET=${apiSecret}`);
  if (push !== undefined) terminal.write(`  WEBHOOK_URL=${push} WEBHOOK_AUTH_TOKEN=${authToken}, and WEBHOOK_PORT`);
  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
  return exitStatus.inSync;
}
