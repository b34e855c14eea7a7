// Why the worker's HTTP server could not be opened. In a file of its own, so that code that only handles the error loads no server.

/** The address of HTTP_HOST and HTTP_PORT cannot be used. Exit status 2. */
export class ListenError extends Error {
  override readonly name = 'ListenError';
}
