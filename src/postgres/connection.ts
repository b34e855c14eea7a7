// One connection to Postgres that can be ended whatever the state of the network. pg's own end() waits for the server to close the
// connection. If the network is silent, that takes as long as TCP waits, and the process waits with it.

import type { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';
import pg from 'pg';
import type { Connection as Way } from '../config/connection-string.ts';
import { wait } from '../lib/wait.ts';
import { OptionallyEncrypted } from './optional-tls.ts';
import { createSchemaNames, writtenFor } from './schemas.ts';

/** How long an orderly end may take. */
export const goodbyeMs = 1_000;

/** The options of node-postgres, and two that it does not have. */
export type ConnectionConfig = pg.ClientConfig &
  Partial<Pick<Way, 'optionalTls' | 'current' | 'onUnencrypted' | 'schema'>>;

/** A client of node-postgres that can be cut off, that encrypts if the server offers it, and that puts in the schemas' names. */
export class Connection extends pg.Client {
  constructor(config: ConnectionConfig = {}) {
    super(optionallyEncrypted(current(config)));
    if (config.schema !== undefined && config.schema !== writtenFor) this.#nameSchemas(config.schema);
    this.once('connect', () => this.tlsVersion === null && config.onUnencrypted?.());
    // A numeric has all its digits, whatever a session's extra_float_digits; ours are seconds and days, which a number holds.
    this.setTypeParser(pg.types.builtins.NUMERIC, Number);
  }

  /** From now on, every statement uses the schemas of these names. */
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

  /** The TLS version, such as `TLSv1.3`; null if not encrypted. */
  get tlsVersion(): string | null {
    const stream = this.#stream;
    return stream instanceof TLSSocket ? stream.getProtocol() : null;
  }

  /** Cuts the connection: running statements fail at once. */
  cut(): void {
    this.#stream.destroy();
  }

  /** Not in pg's types; with TLS it is the stream inside that. */
  get #stream(): Duplex {
    return (this as unknown as { connection: { stream: Duplex } }).connection.stream;
  }

  /** Ends the connection in order, or cuts it if that takes too long. */
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

/** The parts that may change: user, password, host and TLS. Limits stay. */
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

/** The open connections of a pool. */
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
    /** Waits until none is left. */
    async ended() {
      await Promise.all(open.values());
    },
  };
}
