// The simulated API in a process of its own, seen from the benchmark's: each order goes over as a message and comes back
// as an answer. Closing it ends the process.

import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { defaultCredentials } from '../src/simulator/server.ts';
import type { Switches } from '../src/simulator/switches.ts';
import type { Shape } from './conversations.ts';

export interface StartOptions {
  shape: Shape;
  /** The instant all conversations lie before, in ms since the epoch. */
  untilMs: number;
  switches?: Partial<Switches>;
  /** Makes every detail's body beforehand. */
  warm?: boolean;
}

/** What was asked since the last `reset`; instants are by this machine's clock, in ms since the epoch. */
export interface Counters {
  list: number;
  detail: number;
  resultList: number;
  ok: number;
  refused: number;
  maxInFlight: number;
  bodyBytes: number;
  firstMs: number | null;
  lastMs: number | null;
  /** CPU time of the process since its start. */
  cpuMs: number;
}

export interface PushOrder {
  url: string;
  target: string;
  perSecond: number;
  count: number;
}

export interface Pushed {
  /** When each conversation's webhook was sent, in ms since the epoch. */
  sentMs: Record<string, number>;
  /** How many webhooks were answered with each status; 0: no answer. */
  statuses: Record<number, number>;
}

/** What it can be told. */
export interface Orders {
  start: { given: StartOptions; answer: { url: string } };
  counters: { given: null; answer: Counters };
  reset: { given: null; answer: undefined };
  turn: { given: Partial<Switches>; answer: undefined };
  /** From here on lists show keys and arrays in another order; each number has its own. */
  reorder: { given: number; answer: undefined };
  /** Lists all operator results once, so that their bodies are made. @returns how many there are. */
  listResults: { given: null; answer: number };
  /** Ids of the oldest conversations. */
  ids: { given: number; answer: string[] };
  /** So many conversations begin, and in so many older open ones somebody says something. */
  change: { given: { created: number; said: number }; answer: undefined };
  /** Changes so many conversations, spread over all of them and so many a second, and announces each by webhook. */
  push: { given: PushOrder; answer: Pushed };
}

export class SimulatorProcess implements AsyncDisposable {
  readonly options: StartOptions;
  readonly url: string;
  readonly #child: ChildProcess;

  static async start(options: StartOptions): Promise<SimulatorProcess> {
    const script = fileURLToPath(new URL('simulator-process.ts', import.meta.url));
    const child = fork(script, { execArgv: ['--max-old-space-size=6144'], env: { PATH: process.env['PATH'] ?? '' } });
    const { url } = await order(child, 'start', options);
    return new SimulatorProcess(child, options, url);
  }

  private constructor(child: ChildProcess, options: StartOptions, url: string) {
    this.#child = child;
    this.options = options;
    this.url = url;
  }

  /** What a program is told of it, as settings. */
  get env(): Record<string, string> {
    const { accountSid, authToken } = defaultCredentials;
    return { TWILIO_INTELLIGENCE_URL: this.url, TWILIO_ACCOUNT_SID: accountSid, TWILIO_AUTH_TOKEN: authToken };
  }

  async order<Name extends keyof Orders>(name: Name, given: Orders[Name]['given']): Promise<Orders[Name]['answer']> {
    return await order(this.#child, name, given);
  }

  async counters(): Promise<Counters> {
    return await this.order('counters', null);
  }

  async reset(): Promise<void> {
    await this.order('reset', null);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.disconnect();
    await ended;
  }
}

let orders = 0;

function order<Name extends keyof Orders>(child: ChildProcess, name: Name, given: Orders[Name]['given']) {
  const id = ++orders;
  return new Promise<Orders[Name]['answer']>((resolve, reject) => {
    const onExit = () => reject(new Error(`the simulator ended before it answered ${name}`));
    const onMessage = (message: { id: number; value?: Orders[Name]['answer']; error?: string }) => {
      if (message.id !== id) return;
      child.off('message', onMessage).off('exit', onExit);
      if (message.error === undefined) resolve(message.value as Orders[Name]['answer']);
      else reject(new Error(message.error));
    };
    child.on('message', onMessage).once('exit', onExit);
    child.send({ id, name, given });
  });
}
