// Signatures held to the official clients: npm's `twilio` sends and checks, and Python's `twilio` too where the environment variable
// TWILIO_PYTHON names an interpreter that has it.

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import fc from 'fast-check';
import twilio from 'twilio';
import { describe, expect, test } from 'vitest';
import { isSignedBody, refusalOf, sign, urlWithHash } from '../../src/webhooks/signature.ts';

const { getExpectedTwilioSignature, validateRequestWithBody } = twilio;
const token = '12345678901234567890123456789012';
const keys = { authToken: token, sharedKey: undefined };
const body = Buffer.from('{"conversationId":"conv_1","text":"schön, 東京"}');

/** URLs as they are entered, and the target of the request that arrives behind a proxy, less the query. */
const forms: [entered: string, path: string][] = [
  ['https://example.com/hook', '/hook'],
  ['https://example.com', '/'],
  ['https://example.com/', '/'],
  ['http://example.com/hook', '/hook'],
  ['https://example.com:443/hook', '/hook'],
  ['http://example.com:80/hook', '/hook'],
  ['https://example.com:8443/hook', '/hook'],
  ['https://example.com/a/hook?tenant=1&kind=a%20b', '/hook'],
  ['https://example.com:8443/hook?q=it%27s', '/hook'],
  ["https://example.com/it's/hook?q=it's", '/'],
  ['https://example.com/a%2Fb%C3%A9/hook', '/a%2Fb%C3%A9/hook'],
  ['https://example.com/a%2fb/%7Ehook', '/rewritten/%zz'],
  ['https://EXAMPLE.com/Hook', '/inner/hook'],
  ['https://[2001:db8::1]:8443/hook', '/hook'],
  ['https://[2001:db8::1]/hook', '/hook'],
];

/** What arrives when Twilio calls a URL and a proxy changes the path. */
function arrival(called: string, path: string): string {
  return `${path}?${called.split('?').slice(1).join('?')}`;
}

describe("npm's twilio as the sender", () => {
  test.each(forms)('%s, arriving at %s', (entered, path) => {
    const called = urlWithHash(entered, body);
    const target = arrival(called, path);
    const signature = getExpectedTwilioSignature(token, called, {});
    expect(validateRequestWithBody(token, signature, called, body.toString())).toBe(true);
    expect(refusalOf({ url: entered, target, signature, settings: undefined }, keys)).toBeNull();
    expect(isSignedBody(target, body)).toBe(true);
  });

  test.each([
    ['https://example.com/hook', 'https://example.com:443/hook'],
    ['https://example.com:443/hook', 'https://example.com/hook'],
    ['http://example.com/hook', 'http://example.com:80/hook'],
    ['https://example.com:8443/hook', 'https://example.com/hook'],
  ])('%s was entered and %s is signed', (entered, signed) => {
    const signature = getExpectedTwilioSignature(token, urlWithHash(signed, body), {});
    const target = arrival(urlWithHash(signed, body), '/hook');
    expect(refusalOf({ url: entered, target, signature, settings: undefined }, keys)).toBeNull();
  });

  test('signs as `sign` does', () => {
    const called = urlWithHash('https://example.com/hook?a=1', body);
    expect(sign(token, called)).toBe(getExpectedTwilioSignature(token, called, {}));
  });
});

test("whatever is called and signed, npm's twilio would decide the same", () => {
  const piece = fc.stringMatching(/^[A-Za-z0-9'()!*~%20._-]{0,8}$/).map((text) => text.replaceAll(/%(?!20)/g, '%25'));
  const entered = fc
    .tuple(fc.constantFrom('http://', 'https://'), fc.constantFrom('', ':80', ':443', ':8443'), piece, fc.option(piece))
    .map(([scheme, port, path, query]) => `${scheme}example.com${port}/${path}${query === null ? '' : `?q=${query}`}`);
  const signedBy = fc.constantFrom(token, `${token}0`);
  const others = fc.constantFrom(body, Buffer.from('{}'));
  fc.assert(
    fc.property(entered, entered, signedBy, others, fc.boolean(), (url, other, key, received, same) => {
      const called = urlWithHash(url, body);
      const signed = same ? called : urlWithHash(other, body);
      const signature = getExpectedTwilioSignature(key, signed, {});
      const target = arrival(called, '/x');
      const accepted =
        refusalOf({ url, target, signature, settings: undefined }, keys) === null && isSignedBody(target, received);
      expect(accepted).toBe(validateRequestWithBody(token, signature, called, received.toString()));
    }),
    { numRuns: 2_000 },
  );
});

describe('what is refused', () => {
  const url = 'https://example.com/hook';
  const called = urlWithHash(url, body);
  const target = arrival(called, '/hook');
  const signature = sign(token, called);
  const signed = { url, target, signature, settings: undefined };

  test.each([
    ['no signature', { signature: undefined }, 'unsigned'],
    ['an empty signature', { signature: '' }, 'unsigned'],
    ['the signature of another token', { signature: sign('other', called) }, 'signature'],
    ['a shorter signature', { signature: signature.slice(1) }, 'signature'],
    ['another query', { target: `${target}&a=1` }, 'signature'],
    ['another host', { url: 'https://example.org/hook' }, 'signature'],
    ['another path', { url: 'https://example.com/hooks' }, 'signature'],
    ['a URL without the hash of a body', { target: '/hook', signature: sign(token, url) }, 'signature'],
    ['a shared key, where none is set', { settings: 'key=KY1,algorithm=HMAC_SHA256' }, 'key'],
  ])('%s', (_what, changed, refusal) => {
    expect(refusalOf({ ...signed, ...changed }, keys)).toBe(refusal);
  });

  test('everything, without a key', () => {
    const empty = { ...signed, signature: sign('', called) };
    expect(refusalOf(empty, { authToken: undefined, sharedKey: undefined })).toBe('key');
    expect(refusalOf(empty, { authToken: '', sharedKey: '' })).toBe('key');
  });

  test('another body, and one that is not signed', () => {
    expect(isSignedBody(target, Buffer.from('{}'))).toBe(false);
    expect(isSignedBody('/hook', body)).toBe(false);
    expect(isSignedBody('/hook?bodySHA256=', Buffer.alloc(0))).toBe(false);
  });
});

describe('a shared key', () => {
  const url = 'https://example.com/hook';
  const called = urlWithHash(url, body);
  const target = arrival(called, '/hook');
  const both = { authToken: token, sharedKey: 'shared' };
  const of = (signature: string, settings: string | undefined) => refusalOf({ url, target, signature, settings }, both);

  test('signs with the algorithm that the header names', () => {
    expect(of(sign('shared', called, 'sha256'), 'key=KY1,algorithm=HMAC_SHA256')).toBeNull();
    expect(of(sign('shared', called, 'sha256'), 'algorithm=HMAC_SHA256, key=KY1')).toBeNull();
    expect(of(sign('shared', called, 'sha1'), 'key=KY1,algorithm=HMAC_SHA1')).toBeNull();
    expect(of(sign('shared', called, 'sha1'), 'key=KY1,algorithm=HMAC_SHA256')).toBe('signature');
  });

  test('is taken only where the header names it, and then no other key is', () => {
    expect(of(sign('shared', called, 'sha256'), undefined)).toBe('signature');
    expect(of(sign('shared', called, 'sha1'), undefined)).toBe('signature');
    expect(of(sign(token, called), 'key=KY1,algorithm=HMAC_SHA256')).toBe('signature');
    expect(of(sign(token, called, 'sha256'), 'key=KY1,algorithm=HMAC_SHA256')).toBe('signature');
  });

  test.each(['', 'key=KY1', 'key=KY1,algorithm=', 'key=KY1,algorithm=MD5', 'key=KY1,algorithm=constructor'])(
    'settings that are not known: %j',
    (settings) => expect(of(sign('shared', called, 'sha256'), settings)).toBe('key'),
  );
});

const python = process.env['TWILIO_PYTHON'];
const script = `
import json, sys
from twilio.request_validator import RequestValidator
validator = RequestValidator(sys.argv[1])
asked = json.loads(sys.argv[2])
print(json.dumps([[validator.compute_signature(url, {}), bool(validator.validate(url, body, signature))] for url, body, signature in asked]))
`;

test.skipIf(python === undefined)("Python's twilio signs and checks the same, needs TWILIO_PYTHON", async () => {
  const asked = forms.map(([entered]) => {
    const called = urlWithHash(entered, body);
    return [called, body.toString(), sign(token, called)];
  });
  const { stdout } = await promisify(execFile)(python ?? '', ['-c', script, token, JSON.stringify(asked)]);
  expect(JSON.parse(stdout)).toEqual(asked.map(([, , signature]) => [signature, true]));
});
