// Why something of the system failed, in one word that is safe to show: a file's ENOENT, a connection's ECONNREFUSED.
// Never the message, which may quote what was being read or sent.

/** The error's code, or its name; `unknown` where it is no error at all. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown';
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name;
}
