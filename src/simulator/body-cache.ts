// Serialized conversations and results, kept until they change: making JSON of the same value twice is most of what
// serving costs. Bounded by bytes; what was kept first goes first.

interface Kept {
  readonly version: number;
  readonly body: Buffer;
}

/** What bodies are of: its version moves with each change. */
interface Versioned {
  readonly version: number;
}

export class BodyCache {
  readonly #kept = new Map<Versioned, Kept>();
  readonly #maxBytes: number;
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** The present body of an entry; `make` serializes it if it is not in the cache. */
  body(entry: Versioned, make: () => string): Buffer {
    const kept = this.#kept.get(entry);
    if (kept?.version === entry.version) return kept.body;
    if (kept !== undefined) this.#drop(entry, kept);
    const body = Buffer.from(make());
    this.#kept.set(entry, { version: entry.version, body });
    this.#bytes += body.length;
    for (const [oldest, value] of this.#kept) {
      if (this.#bytes <= this.#maxBytes) break;
      this.#drop(oldest, value);
    }
    return body;
  }

  /** Whether the next body would replace an older one. */
  get isFull(): boolean {
    return this.#bytes >= this.#maxBytes * 0.99;
  }

  clear(): void {
    this.#kept.clear();
    this.#bytes = 0;
  }

  #drop(entry: Versioned, { body }: Kept): void {
    this.#kept.delete(entry);
    this.#bytes -= body.length;
  }
}
