// Why something of the system failed, in one word that is safe to show: a file's ENOENT, a connection's ECONNREFUSED.
// Never the message, which may quote what was read or sent.

/** The code of the error or of its cause, else a name; `unknown` for what is not an error. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown';
  if ('code' in error && typeof error.code === 'string') return error.code;
  return error.cause instanceof Error ? reasonOf(error.cause) : error.name;
}
