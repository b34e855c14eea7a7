// The log for people: pino's JSON lines in, one plain line each out. On a terminal a line takes the place of the progress
// bar, which draws itself again below it.

interface Line {
  level?: string;
  msg?: string;
  time?: string;
  err?: { message?: string };
  [field: string]: unknown;
}

/** A destination of the log that writes plain lines to a stream. */
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
