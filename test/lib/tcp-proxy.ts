// A TCP proxy that a test can script: it passes, cuts, delays, stalls and half-closes, all connections or one, at any
// time or at the n-th request. It knows the protocol (frames.ts): it counts and shows requests, statements of SQL or
// calls of the API, and holds each answer until it is whole, so that it can be kept back.

import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import type { Piece, Protocol } from './frames.ts';

/** A statement or a call, on its way through the proxy. */
export interface Exchange {
  /** From 1, over all connections, in the order of coming. */
  readonly n: number;
  /** The SQL, or method and path. */
  readonly text: string;
  readonly link: Link;
}

/** Told what passes. While a promise is pending that link waits; what is done to the link there holds for what was told. */
export interface Script {
  /** A request has come, and the server does not have it yet. */
  onAsked?(exchange: Exchange): void | Promise<void>;
  /** The server's answer is whole, and the client has none of it yet. `n` of the answer is its own count. */
  onAnswered?(exchange: Exchange): void | Promise<void>;
}

/** One connection through the proxy. */
export class Link {
  readonly #near: Socket;
  readonly #far: Socket | undefined;
  /** Bytes are no longer passed on, either way; closing is, towards the server. */
  stalled = false;

  constructor(near: Socket, far: Socket | undefined) {
    this.#near = near;
    this.#far = far;
    for (const socket of [near, far]) socket?.on('error', () => {});
    near.on('close', () => far?.destroy());
    far?.on('close', () => this.stalled || near.destroySoon());
    if (far === undefined) near.resume().on('end', () => near.end());
  }

  /** Accepts and swallows everything from here on. */
  stall(): void {
    this.stalled = true;
  }

  /** Ends both connections at once, with RST or with FIN. */
  cut(how: 'RST' | 'FIN' = 'RST'): void {
    this.stalled = true;
    for (const socket of [this.#near, this.#far]) {
      if (how === 'RST') socket?.resetAndDestroy();
      else socket?.destroySoon();
    }
  }

  /** Says to one side, the client or the server, that nothing more will come; hears it out, and passes nothing on. */
  halfClose(side: 'client' | 'server'): void {
    this.stalled = true;
    (side === 'client' ? this.#near : this.#far)?.end();
  }
}

export class TcpProxy implements AsyncDisposable {
  /** Every connection gets this late, each piece of it. */
  delayMs = 0;
  script: Script = {};
  readonly links = new Set<Link>();
  /** How many requests have come, and how many answers were whole. */
  asked = 0;
  answered = 0;
  readonly #server: Server;
  readonly #target: URL;
  readonly #protocol: Protocol;
  #mode: 'pass' | 'stall' | 'refuse' = 'pass';

  /** Listens on a free port, in front of the host and port of a URL. */
  static async open(target: string, protocol: Protocol): Promise<TcpProxy> {
    const proxy = new TcpProxy(new URL(target), protocol);
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  private constructor(target: URL, protocol: Protocol) {
    this.#target = target;
    this.#protocol = protocol;
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (near) => this.#accept(near));
  }

  /** The target's URL, or another of the same server, that leads through the proxy. */
  through(target: string = this.#target.href): string {
    const url = new URL(target);
    url.hostname = '127.0.0.1';
    url.port = String((this.#server.address() as AddressInfo).port);
    return url.href.replace(/\/$/, '');
  }

  /** Nothing passes any more, on connections that there are and on those to come. */
  stall(): void {
    this.#mode = 'stall';
    for (const link of this.links) link.stall();
  }

  /** Ends what there is, and whatever comes. */
  refuse(): void {
    this.#mode = 'refuse';
    this.cut();
  }

  /** Ends the connections that there are. */
  cut(how: 'RST' | 'FIN' = 'RST'): void {
    for (const link of this.links) link.cut(how);
  }

  /** New connections pass again; stalled ones stay as they are. */
  mend(): void {
    this.#mode = 'pass';
  }

  /** Counts anew, with another script. */
  reset(script: Script = {}): void {
    this.script = script;
    this.asked = 0;
    this.answered = 0;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.cut();
    await closed;
  }

  #accept(near: Socket): void {
    if (this.#mode === 'refuse') {
      near.resetAndDestroy();
      return;
    }
    const { hostname, port } = this.#target;
    const target = { host: hostname, port: Number(port || 5432), allowHalfOpen: true, noDelay: true };
    const far = this.#mode === 'pass' ? connect(target) : undefined;
    const link = new Link(near, far);
    this.links.add(link);
    near.on('close', () => this.links.delete(link));
    if (far !== undefined) this.#pump(link, near, far);
  }

  #pump(link: Link, near: Socket, far: Socket): void {
    const open: Exchange[] = [];
    const answer: Buffer[] = [];
    const requests = this.#carry(link, near, this.#protocol.requests(), async ({ bytes, asks }) => {
      if (asks !== undefined) {
        this.asked += 1;
        const exchange = { n: this.asked, text: asks, link };
        open.push(exchange);
        await this.script.onAsked?.(exchange);
      }
      if (!link.stalled) far.write(bytes);
    });
    const answers = this.#carry(link, far, this.#protocol.answers(), async ({ bytes, ends = false }) => {
      answer.push(bytes);
      if (open.length > 0 && !ends) return;
      const exchange = open.shift();
      const whole = Buffer.concat(answer.splice(0));
      if (exchange !== undefined) {
        this.answered += 1;
        await this.script.onAnswered?.({ ...exchange, n: this.answered });
      }
      if (!link.stalled) near.write(whole);
    });
    near.on('end', async () => {
      await requests();
      far.end();
    });
    far.on('end', async () => {
      await answers();
      if (link.stalled) return;
      // What came of an answer that the server broke off.
      near.end(Buffer.concat(answer.splice(0)));
    });
  }

  /** Takes the pieces of one direction one after the other. @returns a wait for those that have come. */
  #carry(link: Link, from: Socket, frame: (chunk: Buffer) => Piece[], pass: (piece: Piece) => Promise<void>) {
    let last = Promise.resolve();
    from.on('data', (chunk: Buffer) => {
      for (const piece of frame(chunk)) {
        last = last.then(async () => {
          if (this.delayMs > 0) await wait(this.delayMs);
          if (!link.stalled) await pass(piece);
        });
      }
    });
    return () => last;
  }
}
