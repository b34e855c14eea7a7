// The pictures of the status page in docs/status-page/, taken of the real program: `npm run screenshots`. One worker on the
// simulated API and an embedded Postgres is led through its states, and a Chromium (CHROMIUM_PATH, or in PATH) draws it.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Browser } from 'playwright-core';
import { demoConfig } from '../src/cli/commands/demo.ts';
import { run } from '../src/cli/commands/run.ts';
import { connectionOf, parametersOfUrl } from '../src/config/connection-string.ts';
import { openEmbedded } from '../src/embedded/embedded.ts';
import { openDatabase } from '../src/postgres/database.ts';
import { fillSource } from '../src/simulator/seed.ts';
import { startSimulator } from '../src/simulator/server.ts';
import { Traffic } from '../src/simulator/traffic.ts';
import { readSnapshot, type Snapshot } from '../src/status/snapshot.ts';
import { createLog } from '../src/worker/log.ts';
import { findChromium, openBrowser } from '../test/server/browser.ts';

const executablePath = findChromium();
if (executablePath === undefined) throw new Error('There is no Chromium in PATH; say where it is with CHROMIUM_PATH.');

const days = 330;
const folder = await mkdtemp(join(tmpdir(), 'conversation-sync-screenshots-'));
await using ending = new AsyncDisposableStack();
ending.defer(() => rm(folder, { recursive: true, force: true }));
const embedded = await openEmbedded({ folder, empty: true, durable: false });
ending.defer(embedded.close);
const simulator = await startSimulator({ keepRecords: false, switches: { latencyMs: 4000 } });
ending.defer(() => simulator.close());
fillSource(simulator.source, { conversations: 6000, untilMs: Date.now(), days });
const fail = () => {};
const connection = connectionOf(parametersOfUrl(embedded.url) ?? {}, () => '', fail);
const database = openDatabase(connection);
ending.defer(database.close);
const browser = await openBrowser(executablePath);
ending.defer(() => browser.close());

const over = new AbortController();
const listening = Promise.withResolvers<string>();
const config = demoConfig({ days }, simulator.url, simulator.credentials, connection);
config.api.maxConcurrency = 8;
const log = createLog({ level: 'silent' });
const working = run(config, log, over.signal, { onListening: listening.resolve });
ending.defer(async () => {
  over.abort();
  await working;
});
const url = await listening.promise;

await until(({ listedUpTo }) => listedUpTo === null);
await take(browser, 'empty', { title: 'Nothing is stored yet' });

simulator.turn({ latencyMs: 30 });
await until(({ progress }) => (progress?.done ?? 0) > 0.45 && progress?.secondsLeft != null);
await take(browser, 'backfilling', { title: 'Loading history' });

simulator.turn({ latencyMs: 0 });
using traffic = new Traffic(simulator.source);
traffic.start();
await until(({ pendingWindows, runs }) => pendingWindows.length === 0 && runs.length > 12);
await take(browser, 'in-sync', { title: 'In sync' });
await take(browser, 'in-sync-dark', { title: 'In sync', dark: true });
await take(browser, 'in-sync-phone', { title: 'In sync', phone: true });

// A few that cannot be had, then the whole API.
for (const id of simulator.source.ids().slice(-3)) {
  simulator.faults.add({ on: 'detail', id, fault: { kind: 'status', status: 400 } });
  simulator.source.redact(id);
}
await until(({ quarantine }) => quarantine === 3);
simulator.faults.add({ on: 'any', fault: { kind: 'status', status: 401 } });
await until(({ runs }) => runs.filter(({ outcome }) => outcome === 'failed').length > 2);
await take(browser, 'failing', { title: 'Out of sync' });
await take(browser, 'failing-phone-dark', { title: 'Out of sync', phone: true, dark: true });

/** Waits until the database says so. */
async function until(wanted: (found: Snapshot) => boolean): Promise<void> {
  const deadline = performance.now() + 180_000;
  for (;;) {
    // Not migrated yet, at first.
    const found = await database.run(readSnapshot).catch(() => null);
    if (found !== null && wanted(found)) return;
    if (performance.now() > deadline) throw new Error(`waited in vain: ${JSON.stringify(found).slice(0, 2000)}`);
    await wait(200);
  }
}

/** Takes a picture of the whole page, or of a phone's first screens, once it says what it should. */
async function take(
  by: Browser,
  name: string,
  { title, dark = false, phone = false }: { title: string; dark?: boolean; phone?: boolean },
): Promise<void> {
  const context = await by.newContext({
    viewport: phone ? { width: 375, height: 812 } : { width: 1120, height: 900 },
    colorScheme: dark ? 'dark' : 'light',
  });
  const page = await context.newPage();
  await page.goto(url);
  await page.waitForFunction(
    `document.title.startsWith(${JSON.stringify(title)}) && document.querySelector('.month') !== null`,
  );
  const path = fileURLToPath(new URL(`status-page/${name}.png`, import.meta.url));
  await page.screenshot({ path, fullPage: true, ...(phone && { clip: { x: 0, y: 0, width: 375, height: 1700 } }) });
  await context.close();
  process.stdout.write(`docs/status-page/${name}.png\n`);
}
