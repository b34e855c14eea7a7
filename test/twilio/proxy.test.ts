// Who is reached without a proxy, by NO_PROXY; undici's own reading of it, asked by what it does, is of the same opinion.

import { type Dispatcher, EnvHttpProxyAgent } from 'undici';
import { expect, test } from 'vitest';
import { proxyOf } from '../../src/twilio/proxy.ts';

const uri = 'http://proxy.example:3128';

test('https and http have a proxy each', () => {
  expect(proxyOf('https://a.example', { httpsProxy: uri })).toBe(uri);
  expect(proxyOf('http://a.example', { httpsProxy: uri })).toBe(null);
  expect(proxyOf('http://a.example', { httpProxy: uri })).toBe(uri);
  expect(proxyOf('https://a.example', { httpProxy: uri })).toBe(null);
});

const origin = 'https://intelligence.twilio.com';
const cases: [origin: string, noProxy: string, straight: boolean][] = [
  [origin, '', false],
  [origin, '*', true],
  [origin, '*:80', false],
  [origin, 'other.example,*:443', true],
  [origin, 'twilio.com', true],
  [origin, '.twilio.com', true],
  [origin, '*.twilio.com', true],
  [origin, 'Twilio.COM.', true],
  [origin, 'lio.com', false],
  [origin, 'twilio.com:443', true],
  [origin, 'twilio.com:8443', false],
  [`${origin}:8443`, 'twilio.com:8443', true],
  [origin, 'a.example  intelligence.twilio.com', true],
  ['https://twilio.com', '*.twilio.com', false],
  ['https://twilio.com', '.twilio.com', true],
  ['https://twilio.com.', 'twilio.com', true],
  ['https://[::1]:8443', '::1', true],
  ['https://[::1]:8443', '[::1]', true],
  ['https://[::1]:8443', '[::1]:8443', true],
  ['https://[::1]:8443', '[::1]:443', false],
  ['https://127.0.0.1:8443', '127.0.0.1', true],
];

test.each<[origin: string, noProxy: string, straight: boolean]>([
  ['https://10.1.2.3', '10.0.0.0/8', true],
  ['https://10.1.2.3:8443', 'a.example, 10.1.2.0/24', true],
  ['https://10.1.2.3', '10.1.2.3/32', true],
  ['https://10.1.2.3', '0.0.0.0/0', true],
  ['https://11.1.2.3', '10.0.0.0/8', false],
  ['https://10.1.2.3', '10.0.0.0/33', false],
  ['https://10.1.2.3', 'fd00::/8', false],
  ['https://[fd00::9]', 'fd00::/8', true],
  ['https://[fd00::9]', '[fd00::]/8', true],
  ['https://[fe00::9]', 'fd00::/8', false],
  ['https://ten.example', '10.0.0.0/8', false],
  ['https://10.example', '10.example/8', false],
])('%s with NO_PROXY=%j, a network, goes straight: %j', (asked, noProxy, straight) => {
  expect(proxyOf(asked, { httpsProxy: uri, noProxy }) === null).toBe(straight);
});

test.each(cases)('%s with NO_PROXY=%j goes straight: %j', async (asked, noProxy, straight) => {
  expect(proxyOf(asked, { httpsProxy: uri, noProxy }) === null).toBe(straight);
  let tried = '';
  const connect = (options: { hostname: string }, callback: (error: Error, socket: null) => void) => {
    tried = options.hostname;
    callback(new Error('far enough'), null);
  };
  const agent = new EnvHttpProxyAgent({
    httpsProxy: uri,
    httpProxy: '',
    noProxy,
    connect: connect as never,
    clientFactory: () => {
      const proxy: Partial<Dispatcher> = {
        connect: () => Promise.reject(new Error('far enough')),
        destroy: async () => {},
      };
      return proxy as Dispatcher;
    },
  });
  await agent.request({ origin: asked, path: '/', method: 'GET' }).catch(() => {});
  await agent.destroy();
  expect(tried !== '').toBe(straight);
});
