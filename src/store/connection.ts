// One connection to Postgres that can be ended whatever the state of the network. pg's own end() says goodbye and waits
// for the other side to hang up: on a network that went silent for as long as TCP cares to wait, and the process with it.

import type { Duplex } from 'node:stream';
import pg from 'pg';
import { wait } from '../lib/wait.ts';

/** How long a goodbye may take. */
export const goodbyeMs = 1_000;

/** A client of node-postgres that can be cut off. */
export class Connection extends pg.Client {
  /** Cuts the connection: what is in flight fails at once. */
  cut(): void {
    // Not in pg's types; with TLS it is the stream inside that.
    (this as unknown as { connection: { stream: Duplex } }).connection.stream.destroy();
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

/** The connections of a pool, as long as they last. */
export function trackConnections() {
  const open = new Map<Connection, Promise<void>>();
  class Client extends Connection {
    constructor(config?: pg.ClientConfig) {
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
