// Bytes of one direction of a connection in, whole pieces out: messages of Postgres' protocol 3, or of HTTP/1.1 as the
// simulator and undici speak it. Each piece says whether a request begins with it, in words, and whether an answer ends.
// Source: https://www.postgresql.org/docs/current/protocol-message-formats.html

export interface Piece {
  bytes: Buffer;
  /** The SQL, or method and path, of the request that begins here. */
  asks?: string;
  /** An answer ends here. */
  ends?: boolean;
}

export type Framer = (chunk: Buffer) => Piece[];

export interface Protocol {
  requests(): Framer;
  answers(): Framer;
}

/** Collects chunks, and takes off the front of them whatever `cut` finds whole; undefined is to wait for more. */
function framer(cut: (bytes: Buffer) => { length: number; piece: Omit<Piece, 'bytes'> } | undefined): Framer {
  let held = Buffer.alloc(0);
  return (chunk) => {
    held = Buffer.concat([held, chunk]);
    const pieces: Piece[] = [];
    for (let found = cut(held); found !== undefined && found.length <= held.length; found = cut(held)) {
      pieces.push({ bytes: held.subarray(0, found.length), ...found.piece });
      held = held.subarray(found.length);
    }
    return pieces;
  };
}

const text = (bytes: Buffer, from: number) => bytes.toString('utf8', from, bytes.indexOf(0, from));

/** A simple query is one message; others begin with Parse, which names the statement and then says it. Without TLS. */
export const postgres: Protocol = {
  requests() {
    // The first message has a length, but no type.
    let begun = false;
    return framer((bytes) => {
      if (bytes.length < 5) return undefined;
      const length = begun ? 1 + bytes.readInt32BE(1) : bytes.readInt32BE(0);
      if (bytes.length < length) return undefined;
      const type = begun ? String.fromCharCode(bytes[0] ?? 0) : 'startup';
      begun = true;
      if (type === 'Q') return { length, piece: { asks: text(bytes, 5) } };
      if (type === 'P') return { length, piece: { asks: text(bytes, bytes.indexOf(0, 5) + 1) } };
      return { length, piece: {} };
    });
  },
  answers() {
    return framer((bytes) => {
      if (bytes.length < 5) return undefined;
      return { length: 1 + bytes.readInt32BE(1), piece: bytes[0] === 0x5a ? { ends: true } : {} };
    });
  },
};

const headEnd = Buffer.from('\r\n\r\n');

/** Requests without bodies; answers with a Content-Length. */
export const http: Protocol = {
  requests() {
    return framer((bytes) => {
      const end = bytes.indexOf(headEnd);
      if (end < 0) return undefined;
      const [line = ''] = bytes.toString('latin1', 0, end).split('\r\n');
      return { length: end + 4, piece: { asks: line.replace(/ HTTP.*$/, '') } };
    });
  },
  answers() {
    return framer((bytes) => {
      const end = bytes.indexOf(headEnd);
      if (end < 0) return undefined;
      const length = /\r\ncontent-length: *(\d+)/i.exec(bytes.toString('latin1', 0, end + 2))?.[1];
      if (length === undefined) throw new Error('an answer without Content-Length cannot be told from the next');
      return { length: end + 4 + Number(length), piece: { ends: true } };
    });
  },
};
