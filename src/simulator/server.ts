// The simulator as an HTTP server: node:http on this machine, answering as the API would. In process it is one
// `await using` away, with the source it serves, what it was asked, its switches and its faults in hand.
// Nothing is left running after close(). What happens to a request is exchange.ts.

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Answers } from './answers.ts';
import { createExchange } from './exchange.ts';
import { type FaultRule, Faults } from './faults.ts';
import { RequestLog } from './request-log.ts';
import { Source } from './source.ts';
import { defaultSwitches, type Switches } from './switches.ts';

export interface Credentials {
  accountSid: string;
  authToken: string;
  apiKey: string;
  apiSecret: string;
}

export interface SimulatorOptions {
  /** What it serves; an empty source unless given. */
  source?: Source;
  /** Differences from the default switches. */
  switches?: Partial<Switches>;
  faults?: readonly FaultRule[];
  credentials?: Partial<Credentials>;
  /** Milliseconds since the epoch: the API's clock. */
  now?: () => number;
  /** Seed of whatever the server leaves to chance. */
  seed?: number;
  host?: string;
  port?: number;
  /** Whether `requests.records` is kept; counters always are. */
  keepRecords?: boolean;
  /** How many bytes of serialized details are kept; 256 MB unless given. A bench gives as much as its details need. */
  detailCacheBytes?: number;
  /** The same of list items; 64 MB unless given. */
  itemCacheBytes?: number;
  /** The same of operator results. */
  resultCacheBytes?: number;
}

export interface Simulator extends AsyncDisposable {
  /** Its base URL, without a slash at the end. */
  readonly url: string;
  readonly source: Source;
  readonly requests: RequestLog;
  readonly faults: Faults;
  readonly credentials: Readonly<Credentials>;
  readonly switches: Readonly<Switches>;
  /** Turns some switches; answers from here on follow them. */
  turn(changes: Partial<Switches>): void;
  /** Serializes details beforehand, as many as are kept: serving them is then all that is measured. */
  warm(): void;
  close(): Promise<void>;
}

/** What a simulator lets in unless told otherwise. */
export const defaultCredentials: Readonly<Credentials> = {
  accountSid: 'AC00000000000000000000000000000000',
  authToken: 'simulated-auth-token',
  apiKey: 'SK00000000000000000000000000000000',
  apiSecret: 'simulated-api-secret',
};

/** Starts a simulator and waits until it listens; on 127.0.0.1 and a free port unless told otherwise. */
export async function startSimulator(options: SimulatorOptions = {}): Promise<Simulator> {
  const { now = Date.now, seed = 1, host = '127.0.0.1', port = 0 } = options;
  const credentials = { ...defaultCredentials, ...options.credentials };
  const source = options.source ?? new Source({ accountId: credentials.accountSid, now, seed });
  const requests = new RequestLog(options.keepRecords === undefined ? {} : { keepRecords: options.keepRecords });
  const faults = new Faults({ seed, rules: options.faults ?? [] });
  const answers = new Answers(source, seed, options);
  let switches: Readonly<Switches> = { ...defaultSwitches, ...options.switches };
  const admitted = admittedHeaders(credentials);
  const exchange = createExchange({ answers, faults, requests, admitted, now, switches: () => switches });

  const server = createServer({ keepAliveTimeout: 60_000 }, exchange.serve);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  const url = urlOf(server.address() as AddressInfo);
  const close = async () => {
    exchange.stop();
    if (!server.listening) return;
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    server.closeAllConnections();
    await closed;
  };
  return {
    url,
    source,
    requests,
    faults,
    credentials,
    get switches() {
      return switches;
    },
    turn: (changes) => {
      switches = { ...switches, ...changes };
      answers.forget();
    },
    warm: () => answers.warm(switches),
    close,
    [Symbol.asyncDispose]: close,
  };
}

function admittedHeaders({ accountSid, authToken, apiKey, apiSecret }: Credentials): Set<string> {
  return new Set([basic(accountSid, authToken), basic(apiKey, apiSecret)]);
}

function basic(user: string, password: string): string {
  return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
}

function urlOf({ family, address, port }: AddressInfo): string {
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
}
