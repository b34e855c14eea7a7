// A connection of node-postgres that is encrypted or not, whichever the server accepts: libpq's `sslmode=prefer` and `allow`. The
// driver has no second try. This is the driver's connection, started again the other way if the first way is refused. As with
// libpq, every new connection starts with the first way.

import type { Duplex } from 'node:stream';
import pg from 'pg';
import type { OptionalTls } from '../config/tls.ts';

/** What of the driver's connection its types leave out. */
interface Inner extends pg.Connection {
  stream: Duplex;
  ssl: pg.ConnectionConfig['ssl'];
  /** The client has ended it. */
  _ending: boolean;
  connect(port: number | string, host?: string): void;
  requestSsl(): void;
  upgradeToSSL(host: string, onError: (error: Error) => void): void;
}

const Base = pg.Connection as unknown as new (config: object) => Inner;

/**
 * The client that it is given to is to have `ssl` set, so that it leaves the beginning to `requestSsl`.
 * Tried the other way is what failed before the server asked for a password: no TLS there, a handshake that failed, or
 * 28000, with which pg_hba.conf refuses the way. Whoever has no password is refused on both.
 */
export class OptionallyEncrypted extends Base {
  #other: OptionalTls['options'] | false | undefined;
  #target: [port: number | string, host?: string] = [0];
  #socket = this.stream;
  #shaking = false;

  constructor({ keepAlive = false, optionalTls: { options, first } }: pg.ClientConfig & { optionalTls: OptionalTls }) {
    super({ keepAlive, ssl: first === 'tls' && options });
    this.#other = first === 'clear' && options;
  }

  override connect(...target: [port: number | string, host?: string]): void {
    this.#target = target;
    this.#socket = this.stream;
    super.connect(...target);
  }

  override requestSsl(): void {
    if (this.ssl) super.requestSsl();
    // What follows an encrypted beginning follows this one as well.
    else this.emit('sslconnect');
  }

  override upgradeToSSL(host: string, onError: (error: Error) => void): void {
    this.#shaking = true;
    super.upgradeToSSL(host, onError);
    this.stream.once('secureConnect', () => {
      this.#shaking = false;
    });
  }

  override emit(name: string | symbol, ...rest: unknown[]): boolean {
    if (this.#other === undefined || this._ending || !this.#isRefusal(name, rest[0])) return super.emit(name, ...rest);
    // Nothing that the first try still has to say is of interest; with TLS it is a stream within a stream.
    for (const stream of new Set([this.stream, this.#socket])) {
      for (const event of ['data', 'error', 'close']) stream.removeAllListeners(event);
      stream.on('error', () => {}).destroy();
    }
    this.ssl = this.#other;
    this.#other = undefined;
    this.#shaking = false;
    // As the driver makes them.
    this.stream = new Base({}).stream;
    this.connect(...this.#target);
    return true;
  }

  #isRefusal(name: string | symbol, error: unknown): boolean {
    if (!(error instanceof Error)) return false;
    if (name === 'errorMessage') return 'code' in error && error.code === '28000';
    // pg has no code for a server that answers no to TLS, or something else than yes or no.
    return name === 'error' && (this.#shaking || /SSL connections?$/.test(error.message));
  }
}
