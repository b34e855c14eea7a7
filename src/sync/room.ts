// What the accounts of a process share: room for the bodies of details, for requests in flight, and for what is remembered of open
// conversations. A single account has all of it. Of several, none takes more than half of what the others leave, so there always is some
// for another; and one with nothing in flight may ask for a detail whatever the others hold, so each goes on. No waiting is done here.

const megabyte = 1_000_000;

/** Limits of memory for bodies. */
export interface RoomLimits {
  heldBytes: number;
  /** The limit for a body beside others. */
  usualBytes: number;
  /** The limit for a body that is fetched alone. */
  maxBytes: number;
}

/**
 * The program itself takes about 110 MB. A body takes up to eight times its size while it is read, parsed and stored.
 * Measured: bodies of 16 MB fit within 256 MB, and those of 30 MB within 384 MB.
 */
export function roomOf(memoryBytes: number): RoomLimits {
  const spare = Math.max(16 * megabyte, memoryBytes - 144 * megabyte);
  const heldBytes = Math.min(24 * megabyte, spare / 4);
  const maxBytes = Math.min(64 * megabyte, Math.max(4 * megabyte, spare / 8));
  return { heldBytes, usualBytes: heldBytes / 3, maxBytes };
}

/** How many open conversations are remembered, of all accounts together. */
const mostRemembered = 50_000;
/** Details on their way of several accounts together, each on a socket. With 0.1 s for each these are 2,560 a second, more than a process stores. */
const mostRequests = 256;

/** The room of a process. */
export interface Room {
  /** What one account has of it; to be left when its work ends. */
  join(): Share;
}

/** What an account has of the room. */
export interface Share {
  /** How much of a list is held at once. */
  lists: ListLimits;
  /** Takes so many bytes and requests more, or gives them back where negative. */
  take(bytes: number, requests?: number): void;
  /** Whether this account has its part, and takes no more while anything of it is in flight. */
  isFull(): boolean;
  /** Resolves when anybody has taken or given back something. */
  changed(): Promise<void>;
  /** Waits until no other account fetches a body alone. @returns what ends the turn. @throws the signal's reason. */
  alone(signal: AbortSignal): Promise<() => void>;
  /**
   * Fingerprints of open conversations that were listed as they are stored, by id. Most of them are listed the same a minute later and
   * need no look at the database. Anything that is loaded is taken out. What finds no place is not remembered.
   */
  remembered: Remembered;
  /** Gives everything back. */
  leave(): void;
}

export interface Remembered {
  get(id: string): string | undefined;
  set(id: string, fingerprint: string): void;
  delete(id: string): void;
  keys(): Iterable<string>;
}

/** Limits of memory for what is listed. */
export interface ListLimits {
  /** The most items of a page; undefined: as many as the API allows. */
  largestPage: number | undefined;
  /** How many slices of a window are listed and not yet stored. */
  slices: number;
}

/** The next slice is listed while the details of one are fetched. */
const listAhead: ListLimits = { largestPage: undefined, slices: 2 };

/** With many accounts, what each lists would be most of what the process holds. While one lists, others fetch. */
const listLittle: ListLimits = { largestPage: 100, slices: 1 };

export interface RoomOptions {
  /** How many open conversations are remembered. */
  mostIds?: number;
  /** Whether there are many accounts, so that each holds less. */
  many?: boolean;
}

/** Makes the room of a process: `heldBytes` for the bodies that are held or on their way. */
export function createRoom(heldBytes: number, { mostIds = mostRemembered, many = false }: RoomOptions = {}): Room {
  let accounts = 0;
  let taken = 0;
  let inFlight = 0;
  let ids = 0;
  let isAlone = false;
  let changed = Promise.withResolvers<void>();
  const change = () => {
    changed.resolve();
    changed = Promise.withResolvers();
  };

  const remember = (): Remembered & { clear(): void } => {
    const known = new Map<string, string>();
    return {
      get: (id) => known.get(id),
      set(id, fingerprint) {
        if (!known.has(id)) {
          if (ids >= mostIds) return;
          ids += 1;
        }
        known.set(id, fingerprint);
      },
      delete(id) {
        if (known.delete(id)) ids -= 1;
      },
      keys: () => known.keys(),
      clear() {
        ids -= known.size;
        known.clear();
      },
    };
  };

  return {
    join() {
      accounts += 1;
      let own = 0;
      let ownInFlight = 0;
      let left = false;
      const remembered = remember();
      const take = (bytes: number, requests = 0) => {
        own += bytes;
        taken += bytes;
        ownInFlight += requests;
        inFlight += requests;
        change();
      };
      const hasHalf = (mine: number, all: number, most: number) => mine >= (most - (all - mine)) / 2;
      return {
        lists: many ? listLittle : listAhead,
        take,
        isFull() {
          if (accounts === 1) return own >= heldBytes;
          return hasHalf(own, taken, heldBytes) || hasHalf(ownInFlight, inFlight, mostRequests);
        },
        changed: () => changed.promise,
        async alone(signal) {
          while (isAlone && !signal.aborted) await changed.promise;
          signal.throwIfAborted();
          isAlone = true;
          return () => {
            isAlone = false;
            change();
          };
        },
        remembered,
        leave() {
          if (left) return;
          left = true;
          accounts -= 1;
          take(-own, -ownInFlight);
          remembered.clear();
        },
      };
    },
  };
}
