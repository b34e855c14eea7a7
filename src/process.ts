// The process: arguments and environment in, an exit status out.
// Nothing is decided here: cli.ts knows the commands, worker/shutdown.ts the signals, exit-status.ts what to say of an error.

import { getDefaultAutoSelectFamilyAttemptTimeout, setDefaultAutoSelectFamilyAttemptTimeout } from 'node:net';
import { CommanderError } from 'commander';
import { parse, type World } from './cli/cli.ts';
import { exitStatus, sayError, statusOf } from './cli/exit-status.ts';
import { plainLines } from './worker/log.ts';
import { untilSignal } from './worker/shutdown.ts';

// On a terminal a line takes the place of a progress bar, which draws itself again below it.
const say = (line: string) => process.stderr.write(`${process.stderr.isTTY ? '\r\u001b[K' : ''}${line}\n`);
const isWorker = process.argv[2] === 'run';

// Where a name has several addresses, Node gives each but the last 250 ms to connect: a server on another continent, or
// one whose first packet is lost, would never be reached if the last address does not answer.
const addressLimitMs = 3_000;
if (getDefaultAutoSelectFamilyAttemptTimeout() < addressLimitMs)
  setDefaultAutoSelectFamilyAttemptTimeout(addressLimitMs);

// Whoever read along has gone (`… | head`): the work goes on, since what it stores is what counts.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});

/** On the terminal, whatever standard output is sent to. */
async function ask(question: string): Promise<string | null> {
  if (!process.stdin.isTTY) return null;
  const { createInterface } = await import('node:readline/promises');
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  // Ctrl-D is no answer.
  const ended = new Promise<null>((resolve) => lines.once('close', () => resolve(null)));
  const answer = await Promise.race([lines.question(question), ended]);
  lines.close();
  return answer;
}

const world: World = {
  env: process.env,
  terminal: {
    write: (line) => process.stdout.write(`${line}\n`),
    progress: process.stderr,
    interactive: process.stderr.isTTY === true,
    ask,
  },
  // The long-lived worker's log is its output; beside a command's own lines it goes to the other stream, as plain lines.
  logStream: isWorker ? process.stdout : plainLines(process.stderr),
};

async function main(): Promise<number> {
  try {
    const carry = await parse(process.argv.slice(2), world);
    return await untilSignal(carry, {
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
