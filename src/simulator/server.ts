// The simulator as an HTTP server on this machine that answers like the API. In a test, `await using` opens it and gives
// access to its source, its requests, its switches and its faults. close() ends everything. exchange.ts handles a
// request.

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
  /** The conversations. Default: an empty source. */
  source?: Source;
  /** Differences from the default switches. */
  switches?: Partial<Switches>;
  faults?: readonly FaultRule[];
  credentials?: Partial<Credentials>;
  /** Milliseconds since the epoch: the API's clock. */
  now?: () => number;
  /** Seed of all that is random in the server. */
  seed?: number;
  host?: string;
  port?: number;
  /** Whether `requests.records` is kept; counters always are. */
  keepRecords?: boolean;
  /** How many bytes of serialized details are kept. Default 256 MB. The benchmark keeps all. */
  detailCacheBytes?: number;
  /** The same for list items. Default 64 MB. */
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
  /** Changes switches, for all later answers. */
  turn(changes: Partial<Switches>): void;
  /** Serializes details in advance, up to the limit, so that a benchmark measures only the answers. */
  warm(): void;
  close(): Promise<void>;
}

/** The default credentials. */
export const defaultCredentials: Readonly<Credentials> = {
  accountSid: 'AC00000000000000000000000000000000',
  authToken: 'simulated-auth-token',
  apiKey: 'SK00000000000000000000000000000000',
  apiSecret: 'simulated-api-secret',
};

/** Starts a simulator, by default on 127.0.0.1 and a free port. Resolves when it listens. */
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
