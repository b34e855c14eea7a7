// Why the worker's own HTTP server could not be opened; apart from it, so that what only tells errors apart loads no server.

/** The address cannot be listened on. A matter of HTTP_HOST and HTTP_PORT: exit status 2. */
export class ListenError extends Error {
  override readonly name = 'ListenError';
}
