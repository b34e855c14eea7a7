// The status pages over HTTP, and their few files. If the database cannot be read, it shows the last known state and its age.
// However many people have it open, the database is read once every few seconds, for a limited time.

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { version } from '../../version.ts';
import type { AccountsWatch } from '../accounts-watch.ts';
import type { AccountWatch } from '../watch.ts';
import { renderAccounts } from './accounts.ts';
import { renderPage } from './page.ts';

/** Adds the page of a process with one account, and its files. */
export function addStatusPage(app: FastifyInstance, watch: AccountWatch): void {
  const assets = addFiles(app);
  app.get('/', async (request, reply) => send(request, reply, textHtml, await renderOf(watch, { assets })));
}

/** Adds the pages of a process with an accounts file: a list of the accounts, and a page of each under its schema. */
export function addAccountPages(app: FastifyInstance, accounts: AccountsWatch): void {
  const assets = addFiles(app);
  app.get('/', async (request, reply) => {
    const view = { accounts: await accounts.look(), refused: accounts.refused, version, assets };
    return send(request, reply, textHtml, renderAccounts(view));
  });
  app.get<{ Params: { schema: string } }>('/accounts/:schema', async (request, reply) => {
    const { schema } = request.params;
    const found = accounts.find(schema);
    if (found === undefined) return reply.callNotFound();
    return send(request, reply, textHtml, await renderOf(found.watch, { assets, schema }));
  });
}

async function renderOf(watch: AccountWatch, more: { assets: string; schema?: string }): Promise<string> {
  const snapshots = watch.snapshots();
  const [view, records, counts] = await Promise.all([watch.look(), snapshots?.records(), snapshots?.counts()]);
  return renderPage({
    ...view,
    ...more,
    process: watch.process,
    records: records?.value ?? null,
    counts: counts?.value ?? null,
    countedSecondsAgo: (counts?.ageMs ?? 0) / 1000,
    requests: watch.metrics.requests(),
    upSeconds: process.uptime(),
    version,
  });
}

/** Adds what pages are made of besides themselves. @returns a name for all of it. */
function addFiles(app: FastifyInstance): string {
  const files = readFiles();
  const hash = createHash('sha256');
  for (const { text } of files.values()) hash.update(text);
  for (const [path, { type, text }] of files) {
    app.get(`/status/${path}`, (request, reply) => {
      // The addresses of style and script name what they contain.
      reply.header('cache-control', 'public, max-age=86400');
      return send(request, reply, type, text);
    });
  }
  return hash.digest('hex').slice(0, 12);
}

const textHtml = 'text/html; charset=utf-8';

/** Nothing is loaded from elsewhere, nothing is inline, nothing is sent anywhere, and no other page may frame it. */
export const securityHeaders = {
  'content-security-policy':
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
};

function send(request: FastifyRequest, reply: FastifyReply, type: string, text: string): FastifyReply {
  reply.headers({ ...securityHeaders, 'content-type': type, vary: 'accept-encoding' });
  if (!/\bgzip\b/.test(String(request.headers['accept-encoding']))) return reply.send(text);
  return reply.header('content-encoding', 'gzip').send(gzipSync(text));
}

const asset = (name: string) => readFileSync(new URL(`../../../assets/${name}`, import.meta.url), 'utf8');

const icon = (colour: string, mark: string) =>
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24"><circle cx="12" cy="12" r="12" fill="${colour}"/><path d="${mark}" fill="none" stroke="#fff" stroke-width="3" stroke-linecap="round" stroke-linejoin="round"/></svg>`;

/** Style, script and icons. */
function readFiles(): Map<string, { type: string; text: string }> {
  const svg = 'image/svg+xml';
  return new Map([
    ['page.css', { type: 'text/css; charset=utf-8', text: asset('status.css') }],
    ['page.js', { type: 'text/javascript; charset=utf-8', text: asset('status.js') }],
    ['good.svg', { type: svg, text: icon('#1f7a4d', 'M7 12.5l3.5 3.5L17 8.5') }],
    ['busy.svg', { type: svg, text: icon('#2b62c9', 'M12 6.5v10M7.5 12.5l4.5 4.5 4.5-4.5') }],
    ['bad.svg', { type: svg, text: icon('#b3261e', 'M12 6v7M12 17.5v.1') }],
  ]);
}
