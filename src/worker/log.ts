// The log: one JSON object per line, `level` as a word, `time` in UTC. Of an error only the name, code, message and causes are
// logged, because drivers attach statements, parameters, bodies and headers to theirs. Known secrets are blanked in the finished
// line, wherever they came from.

import { type DestinationStream, type Level, type Logger, pino } from 'pino';

export type Log = Logger;

export interface ShownError {
  name: string;
  code?: string;
  message: string;
  stack?: string;
  causes?: ShownError[];
}

export interface LogOptions {
  level: Level | 'silent';
  /** Texts that never appear, whatever is logged: keys and passwords, also those added later. Shorter than 6 characters they are not looked for. */
  secrets?: Iterable<string | undefined>;
  /** Default: standard output. */
  destination?: DestinationStream;
}

/** Fields that are blanked, at the top level and one below: they would hold a secret or what people said. */
const blanked = [
  'password',
  'secret',
  'token',
  'authorization',
  'headers',
  'body',
  'params',
  'parameters',
  'text',
  'content',
];

/** Makes the log. Stack traces (places, without their messages) only at level debug or trace. */
export function createLog({ level, secrets = [], destination = pino.destination(1) }: LogOptions): Log {
  const stack = level === 'debug' || level === 'trace';
  const show = (error: unknown) => showError(error, { stack });
  const blank = blanker(secrets);
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: show, error: show },
      redact: { paths: blanked.flatMap((name) => [name, `*.${name}`]), censor: '[redacted]' },
      hooks: {
        // Left to itself, pino takes an error's own message for the line's.
        logMethod([first, ...rest], method) {
          const error: unknown = first instanceof Error ? first : (first as { err?: unknown } | null)?.err;
          if (!(error instanceof Error)) return method.apply(this, [first, ...rest] as Parameters<typeof method>);
          const [message = describeError(error), ...more] = rest;
          const fields = first instanceof Error ? { err: error } : first;
          return method.apply(this, [fields, message, ...more] as Parameters<typeof method>);
        },
        streamWrite: blank,
      },
    },
    destination,
  );
}

/** An error as the log may show it: name, code, message, and those it was caused by, five deep. */
export function showError(error: unknown, { stack = false, depth = 5 } = {}): ShownError {
  if (!(error instanceof Error))
    return { name: 'unknown', message: `something thrown that is no error (${typeof error})` };
  const inner = [
    ...(error instanceof AggregateError ? error.errors : []),
    ...(error.cause === undefined ? [] : [error.cause]),
  ];
  const code = 'code' in error && ['string', 'number'].includes(typeof error.code) ? String(error.code) : undefined;
  return {
    name: error.name,
    ...(code !== undefined && { code }),
    message: messageOf(error),
    ...(stack && { stack: placesOf(error) }),
    ...(inner.length > 0 && depth > 1 && { causes: inner.map((each) => showError(each, { stack, depth: depth - 1 })) }),
  };
}

/** An error as one line for people: its message and those of its causes, each once, also where one quotes another. */
export function describeError(error: unknown): string {
  const messages: string[] = [];
  const collect = ({ message, causes = [] }: ShownError) => {
    if (!messages.some((said) => said.includes(message))) messages.push(message);
    for (const cause of causes) collect(cause);
  };
  collect(showError(error));
  return messages.join(': ');
}

function messageOf(error: Error): string {
  // Postgres' own messages can quote a row.
  if ('severity' in error && 'routine' in error) return 'the database refused a statement';
  return error.message.length > 500 ? `${error.message.slice(0, 500)}…` : error.message;
}

/** The stack without its first lines, which repeat the message. */
function placesOf(error: Error): string {
  const lines = (error.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line));
  return lines.map((line) => line.trim()).join(' | ');
}

function blanker(secrets: Iterable<string | undefined>): (line: string) => string {
  // A thousand accounts have thousands of secrets, and each line is searched for all of them.
  const written = new Map<string, string>();
  const asWritten = (secret: string) => {
    const known = written.get(secret);
    if (known !== undefined) return known;
    if (written.size >= 10_000) written.clear();
    const text = JSON.stringify(secret).slice(1, -1);
    written.set(secret, text);
    return text;
  };
  return (line) => {
    for (const secret of secrets) {
      if (secret === undefined || secret.length < 6) continue;
      const text = asWritten(secret);
      if (line.includes(text)) line = line.replaceAll(text, '[secret]');
    }
    return line;
  };
}

interface Line {
  level?: string;
  msg?: string;
  time?: string;
  err?: { message?: string };
  [field: string]: unknown;
}

/** A destination for people: plain lines on a stream. On a terminal a line takes the place of the progress bar, which draws itself again below it. */
export function plainLines(stream: NodeJS.WriteStream): { write(line: string): void } {
  const begin = stream.isTTY === true ? '\r\u001b[K' : '';
  return { write: (line) => void stream.write(`${begin}${plain(line)}\n`) };
}

/** A line of the log in words; what is no JSON stays as it is. */
export function plain(line: string): string {
  let read: Line;
  try {
    read = JSON.parse(line);
  } catch {
    return line.trimEnd();
  }
  const { level = 'info', msg = '', time: _, err, ...fields } = read;
  const rest = Object.entries(fields).map(
    ([name, value]) => `${name} ${typeof value === 'string' ? value : JSON.stringify(value)}`,
  );
  if (err?.message !== undefined && err.message !== msg) rest.unshift(err.message);
  return `${level}: ${msg}${rest.length === 0 ? '' : ` (${rest.join(', ')})`}`;
}
