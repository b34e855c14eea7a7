// The process: arguments and environment in, an exit status out. cli.ts knows the commands, worker/shutdown.ts handles
// signals, exit-status.ts says what an error means.

import { getDefaultAutoSelectFamilyAttemptTimeout, setDefaultAutoSelectFamilyAttemptTimeout } from 'node:net';
import { CommanderError } from 'commander';
import { parse } from './cli/cli.ts';
import type { ProcessIO } from './cli/configure.ts';
import { exitStatus, sayError, statusOf } from './cli/exit-status.ts';
import { plainLines } from './worker/log.ts';
import { untilSignal } from './worker/shutdown.ts';

// On a terminal a line replaces the progress bar, which is drawn again below it.
const say = (line: string) => process.stderr.write(`${process.stderr.isTTY ? '\r\u001b[K' : ''}${line}\n`);
const isWorker = process.argv[2] === 'run';

// If a name has several addresses, Node gives each but the last only 250 ms to connect. That is too short for a server on
// another continent, or if the first packet is lost.
const addressLimitMs = 3_000;
if (getDefaultAutoSelectFamilyAttemptTimeout() < addressLimitMs)
  setDefaultAutoSelectFamilyAttemptTimeout(addressLimitMs);

// The reader of the output may be gone (`… | head`): the work goes on.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});

/** Asks on the terminal, even if standard output is redirected. */
async function ask(question: string): Promise<string | null> {
  if (!process.stdin.isTTY) return null;
  const { createInterface } = await import('node:readline/promises');
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  // Ctrl-D gives no answer.
  const ended = new Promise<null>((resolve) => lines.once('close', () => resolve(null)));
  const answer = await Promise.race([lines.question(question), ended]);
  lines.close();
  return answer;
}

const io: ProcessIO = {
  env: process.env,
  terminal: {
    write: (line) => process.stdout.write(`${line}\n`),
    progress: process.stderr,
    interactive: process.stderr.isTTY === true,
    ask,
  },
  // The worker's log is its output; the log of other commands goes to standard error, as plain lines.
  logStream: isWorker ? process.stdout : plainLines(process.stderr),
};

async function main(): Promise<number> {
  try {
    const run = await parse(process.argv.slice(2), io);
    return await untilSignal(run, {
      say,
      lateStatus: isWorker ? exitStatus.inSync : exitStatus.incomplete,
    });
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : exitStatus.wrongUsage;
    say(sayError(error));
    return statusOf(error);
  }
}

process.exitCode = await main();
