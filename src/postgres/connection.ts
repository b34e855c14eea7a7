// One connection to Postgres that can be ended whatever the state of the network. pg's own end() says goodbye and waits
// for the other side to hang up: on a network that went silent for as long as TCP cares to wait, and the process with it.

import type { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';
import pg from 'pg';
import type { Connection as Way } from '../config/connection-string.ts';
import { wait } from '../lib/wait.ts';
import { OptionallyEncrypted } from './optional-tls.ts';
import { createSchemaNames, writtenFor } from './schemas.ts';

/** How long a goodbye may take. */
export const goodbyeMs = 1_000;

/** What node-postgres takes, and what it does not know of. */
export type ConnectionConfig = pg.ClientConfig &
  Partial<Pick<Way, 'optionalTls' | 'current' | 'onUnencrypted' | 'schema'>>;

/** A client of node-postgres that can be cut off, that encrypts where the server offers it, and that knows the schemas' names. */
export class Connection extends pg.Client {
  constructor(config: ConnectionConfig = {}) {
    super(optionallyEncrypted(current(config)));
    if (config.schema !== undefined && config.schema !== writtenFor) this.#nameSchemas(config.schema);
    this.once('connect', () => this.tlsVersion === null && config.onUnencrypted?.());
    // A numeric has all its digits, whatever a session's extra_float_digits; ours are seconds and days, which a number holds.
    this.setTypeParser(pg.types.builtins.NUMERIC, Number);
  }

  /** From now on every statement means the schemas of these names. */
  #nameSchemas(schema: string): void {
    const named = createSchemaNames(schema);
    const query = this.query.bind(this) as (...all: unknown[]) => unknown;
    const translated = (first: unknown, ...rest: unknown[]) => {
      if (typeof first === 'string') return query(named(first), ...rest);
      const { text } = first as pg.QueryConfig;
      return query(text === undefined ? first : { ...(first as pg.QueryConfig), text: named(text) }, ...rest);
    };
    this.query = translated as typeof this.query;
  }

  /** How it is encrypted, such as `TLSv1.3`; null in clear. */
  get tlsVersion(): string | null {
    const stream = this.#stream;
    return stream instanceof TLSSocket ? stream.getProtocol() : null;
  }

  /** Cuts the connection: what is in flight fails at once. */
  cut(): void {
    this.#stream.destroy();
  }

  /** Not in pg's types; with TLS it is the stream inside that. */
  get #stream(): Duplex {
    return (this as unknown as { connection: { stream: Duplex } }).connection.stream;
  }

  /** Ends the connection in order, or cuts it when that takes too long. */
  async leave(limitMs = goodbyeMs): Promise<void> {
    const left = new AbortController();
    const late = wait(limitMs, left.signal).then(
      () => this.cut(),
      () => {},
    );
    await this.end().finally(() => left.abort());
    await late;
  }
}

/** What is new of it: who connects, where and how. Limits stay. */
function current(config: ConnectionConfig): ConnectionConfig {
  const now = config.current?.();
  if (now === undefined) return config;
  const { optionalTls: _, ...rest } = config;
  const { connectionTimeoutMillis, ...way } = now;
  return { ...rest, ...way };
}

/** `connection` is not in pg's types. */
function optionallyEncrypted(config: ConnectionConfig): pg.ClientConfig & { connection?: pg.Connection } {
  const { optionalTls } = config;
  if (optionalTls === undefined) return config;
  const connection = new OptionallyEncrypted({ ...config, optionalTls });
  // A pool hides the password from being enumerated.
  return { ...config, password: config.password, ssl: optionalTls.options, connection };
}

/** The connections of a pool, as long as they last. */
export function trackConnections() {
  const open = new Map<Connection, Promise<void>>();
  class Client extends Connection {
    constructor(config?: ConnectionConfig) {
      super(config);
      const { promise, resolve } = Promise.withResolvers<void>();
      open.set(this, promise);
      this.once('end', () => {
        open.delete(this);
        resolve();
      });
    }
  }
  return {
    Client,
    cut() {
      for (const client of open.keys()) client.cut();
    },
    /** Waits until none of them is left. */
    async ended() {
      await Promise.all(open.values());
    },
  };
}
