// The health check of the container: requests `/livez` from the worker, and ends with 0 for status 200, else with 1. It
// uses a plain socket, which starts quickly and ignores proxy settings.

import { connect } from 'node:net';

const { HTTP_HOST = '', HTTP_PORT = '' } = process.env;
/** A server that listens on all addresses is reached at the loopback address. */
const loopback: Record<string, string> = { '': '127.0.0.1', '0.0.0.0': '127.0.0.1', '::': '::1' };

const socket = connect(/^\d+$/.test(HTTP_PORT) ? Number(HTTP_PORT) : 8080, loopback[HTTP_HOST] ?? HTTP_HOST, () => {
  socket.write('GET /livez HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n');
});
socket
  .setEncoding('latin1')
  .setTimeout(4_000, () => process.exit(1))
  .on('error', () => process.exit(1))
  .on('close', () => process.exit(1))
  .on('data', (text: string) => process.exit(/^HTTP\/1\.1 200 /.test(text) ? 0 : 1));
