// The health check of the container: asks `/livez` where the worker listens, and ends with 0 for 200, else with 1. By a
// plain connection, which starts quickly and which no proxy setting diverts.

import { connect } from 'node:net';

const { HTTP_HOST = '', HTTP_PORT = '' } = process.env;
/** Where every address is listened at, this machine's own is one of them. */
const own: Record<string, string> = { '': '127.0.0.1', '0.0.0.0': '127.0.0.1', '::': '::1' };

const socket = connect(/^\d+$/.test(HTTP_PORT) ? Number(HTTP_PORT) : 8080, own[HTTP_HOST] ?? HTTP_HOST, () => {
  socket.write('GET /livez HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n');
});
socket
  .setEncoding('latin1')
  .setTimeout(4_000, () => process.exit(1))
  .on('error', () => process.exit(1))
  .on('close', () => process.exit(1))
  .on('data', (text: string) => process.exit(/^HTTP\/1\.1 200 /.test(text) ? 0 : 1));
