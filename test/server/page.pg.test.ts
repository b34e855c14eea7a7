// The status page over HTTP, and in a real browser where there is one: nothing against its own policy, with and without
// JavaScript, by keyboard, on a phone, in the dark, while the worker and the database come and go.

import { readFileSync } from 'node:fs';
import type { FastifyInstance } from 'fastify';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Database, openDatabase } from '../../src/postgres/database.ts';
import { type HttpServer, openHttpServer } from '../../src/server/http.ts';
import { addStatusPage, securityHeaders } from '../../src/server/page/route.ts';
import { createWatch, type Watch } from '../../src/server/watch.ts';
import { createLog } from '../../src/worker/log.ts';
import { World } from '../world.ts';
import { complaintsOf, findChromium, openBrowser } from './browser.ts';

/** A script for the page: which texts have a contrast below 4.5. */
const faintTexts = readFileSync(new URL('faint-texts.js', import.meta.url), 'utf8');
const hostile = `<img src=x onerror="document.title='hacked'"><script>document.title='hacked'</script>`;
let world: World;
let database: Database;
let server: HttpServer;
let watch: Watch;

function watching(of: Database): Watch {
  const made = createWatch('* * * * *');
  made.setDatabase(of);
  made.process.phase = 'working';
  return made;
}

async function serve(port: number, of = watch): Promise<HttpServer> {
  const readiness = async () => (await of.look()).readiness;
  const routes = [(app: FastifyInstance) => addStatusPage(app, of)];
  const log = createLog({ level: 'silent' });
  return await openHttpServer({ host: '127.0.0.1', port, log, trouble: () => undefined, readiness, routes });
}

beforeAll(async () => {
  world = await World.open({ conversations: 120, days: 100 });
  await world.pass('new', 'open', 'lookback');
  await world.pool.query(
    `insert into twilio_sync.runs (command, ended_at, outcome, counts) values ('run', now(), 'ok', '{"listed": 12}')`,
  );
  await world.pool.query(
    `insert into twilio_sync.due (conversation_id, reason, due_at, error, attempts)
     values ($1, 'failed', now(), $2, 3), ($3, 'failed', now(), 'too large', 1)`,
    [hostile, `detail: ${hostile}`, `conv_conversation_${'x'.repeat(400)}`],
  );
  database = openDatabase(world.database.connection);
  watch = watching(database);
  server = await serve(0);
});

afterAll(async () => {
  await server?.close();
  await database?.close();
  await world?.[Symbol.asyncDispose]();
});

test('the page and its files have every header of the policy; the page is stored nowhere', async () => {
  const answer = await fetch(server.url);
  expect(answer.status).toBe(200);
  const page = await answer.text();
  const files = Array.from(page.matchAll(/(?:href|src)="(status\/[^"]+)"/g), ([, path]) => path ?? '');
  expect(files).toHaveLength(3);
  const answers = [answer, ...(await Promise.all(files.map((path) => fetch(`${server.url}/${path}`))))];
  for (const each of answers) {
    expect(each.status).toBe(200);
    for (const [name, value] of Object.entries(securityHeaders)) expect(each.headers.get(name), each.url).toBe(value);
  }
  expect(answer.headers.get('cache-control')).toBe('no-store');
  expect(securityHeaders['content-security-policy']).toMatch(/^default-src 'none'; .*frame-ancestors 'none'$/);
  expect(securityHeaders['content-security-policy']).not.toMatch(/unsafe|\*|https?:/);
});

test('without a database there still is a page, at once, that says so with what was last known', async () => {
  const away = openDatabase({ ...world.database.connection, port: 1 }, { connectMs: 1000 });
  const alone = await serve(0, watching(away));
  try {
    expect(await (await fetch(alone.url)).text()).toContain('<title>The database cannot be used');
  } finally {
    await alone.close();
    await away.close();
  }
});

const executablePath = findChromium();
const browserTests =
  executablePath === undefined ? 'in a browser (skipped: no Chromium in PATH or CHROMIUM_PATH)' : 'in a browser';

describe.skipIf(executablePath === undefined)(browserTests, () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await openBrowser(executablePath ?? '');
  });
  afterAll(async () => {
    await browser?.close();
  });

  /** Looks at the page; whatever it complains of fails the test. */
  async function look(options: BrowserContextOptions, work: (page: Page, complaints: string[]) => Promise<void>) {
    const context = await browser.newContext(options);
    try {
      const page = await context.newPage();
      const complaints = complaintsOf(page);
      await page.goto(server.url);
      await work(page, complaints);
      expect(complaints).toEqual([]);
      expect(await page.title()).not.toContain('hacked');
    } finally {
      await context.close();
    }
  }

  /** Makes the page refresh itself now, as it does when somebody comes back to it. */
  const comeBack = (page: Page) => page.evaluate(`document.dispatchEvent(new Event('visibilitychange'))`);
  const width = (page: Page) => page.evaluate<number>('document.documentElement.scrollWidth');

  test('it shows what is known, as text', async () => {
    await look({}, async (page) => {
      expect(await page.locator('h1').innerText()).toMatch(/^In sync, as of /);
      expect(await page.locator('#quarantine').isVisible()).toBe(true);
      expect(await page.getByText(hostile, { exact: true }).count()).toBe(1);
      expect(await page.locator('main img, main script').count()).toBe(0);
      expect(await page.locator('.month svg').count()).toBeGreaterThan(3);
      expect(await page.getByRole('img', { name: /^Conversations by day, 60 days to today: \d+ in all/ }).count()).toBe(
        1,
      );
    });
  });

  test('a violation of its policy would be seen', async () => {
    await look({}, async (page, complaints) => {
      const said = page.waitForEvent('console');
      await page.evaluate('document.body.append(Object.assign(new Image(), { src: "data:image/gif," }))');
      await said;
      expect(complaints.splice(0).join()).toMatch(/Content Security Policy/);
    });
  });

  test('it refreshes in place: what is open stays open, what has focus keeps it, and the page stays where it is', async () => {
    await look({ viewport: { width: 800, height: 400 } }, async (page) => {
      const summary = page.getByText('By day, as a table');
      await summary.focus();
      await page.keyboard.press('Enter');
      await page.evaluate('window.scrollTo(0, 500)');
      watch.process.failure = { code: 'failing', reason: 'the last tick is too old' };
      await comeBack(page);
      await page.getByText('the last tick is too old').first().waitFor();
      expect(await page.locator('h1').innerText()).toBe('Out of sync');
      expect(await page.title()).toMatch(/^Out of sync/);
      expect(await page.locator('#said').innerText()).toBe('Out of sync');
      expect(await page.locator('details[open] summary').allInnerTexts()).toEqual(['By day, as a table']);
      expect(await page.evaluate<string>('document.activeElement.textContent')).toBe('By day, as a table');
      expect(await page.evaluate<number>('window.scrollY')).toBeGreaterThan(0);
      watch.process.failure = null;
      await comeBack(page);
      await page.getByRole('heading', { name: /^In sync/ }).waitFor();
    });
  });

  test('it says that the worker no longer answers, and that it does again', async () => {
    await look({}, async (page, complaints) => {
      const notice = page.getByRole('alert');
      expect(await notice.isVisible()).toBe(false);
      const { port } = new URL(server.url);
      await server.close();
      await comeBack(page);
      await page.getByText(/The worker has not answered since \d\d:\d\d:\d\d UTC/).waitFor();
      expect(await page.title()).toMatch(/^No answer/);
      server = await serve(Number(port));
      await comeBack(page);
      await notice.waitFor({ state: 'hidden' });
      expect(await page.title()).toMatch(/^In sync/);
      // The browser itself says that it got no answer.
      complaints.splice(0, complaints.length, ...complaints.filter((each) => !/ERR_CONNECTION/.test(each)));
    });
  });

  test('without JavaScript everything is there, and it reloads itself', async () => {
    await look({ javaScriptEnabled: false }, async (page) => {
      expect(await page.locator('h1').innerText()).toMatch(/^In sync, as of /);
      expect(await page.locator('meta[http-equiv=refresh]').getAttribute('content')).toBe('10');
      await page.getByText('By hour, as a table').click();
      expect(await page.getByRole('region', { name: 'By hour' }).isVisible()).toBe(true);
    });
  });

  test('by keyboard: first a way past the head, then everything that can be opened, with a focus to be seen', async () => {
    await look({}, async (page) => {
      await page.keyboard.press('Tab');
      expect(await page.evaluate<string>('document.activeElement.textContent')).toBe('Skip to the content');
      await page.keyboard.press('Enter');
      expect(await page.evaluate<string>('document.activeElement.id')).toBe('main');
      const reached: string[] = [];
      for (let tab = 0; tab < 7; tab++) {
        await page.keyboard.press('Tab');
        reached.push(await page.evaluate<string>('document.activeElement.textContent'));
        expect(await page.evaluate<string>('getComputedStyle(document.activeElement).outlineStyle')).toBe('solid');
      }
      const summaries = ['By day, as a table', 'By hour, as a table', 'By month, as a table'];
      expect(reached).toEqual(['see why', ...summaries, 'readyz', 'livez', 'metrics']);
    });
  });

  test.each([320, 375, 768])('at %i pixels nothing is wider than the screen', async (pixels) => {
    await look({ viewport: { width: pixels, height: 700 }, isMobile: true, hasTouch: true }, async (page) => {
      expect(await width(page)).toBe(pixels);
      for (const summary of await page.locator('summary').all()) await summary.click();
      expect(await width(page)).toBe(pixels);
    });
  });

  test('light and dark', async () => {
    const ground = async (colorScheme: 'light' | 'dark') => {
      let colour = '';
      await look({ colorScheme }, async (page) => {
        colour = await page.evaluate<string>('getComputedStyle(document.body).backgroundColor');
      });
      return colour;
    };
    expect([await ground('light'), await ground('dark')]).toEqual(['rgb(246, 246, 243)', 'rgb(19, 20, 22)']);
  });

  test.each(['light', 'dark'] as const)(
    '%s: every text stands out from what it stands on, by 4.5 to 1',
    async (colorScheme) => {
      await look({ colorScheme }, async (page) => {
        watch.process.failure = { code: 'failing', reason: 'why' };
        await comeBack(page);
        await page.getByText('why', { exact: true }).first().waitFor();
        watch.process.failure = null;
        expect(await page.evaluate<string[]>(faintTexts)).toEqual([]);
      });
    },
  );
});
