// The settings of webhooks: where they are taken, and what their signatures are checked with. A port without a key, or without the URL
// that is signed, is refused.

import { hideSecrets } from '../lib/secret.ts';
import { type Environment, type Given, type Problem, type ReadFile, readValues } from './environment.ts';
import type { SettingName } from './settings.ts';

export interface WebhookConfig {
  /** Undefined: no webhooks are taken. */
  port: number | undefined;
  host: string;
  /** The public URL, exactly as entered at Twilio. */
  url: string | undefined;
  /** What signatures are checked with. */
  authToken: string | undefined;
  sharedKey: string | undefined;
  /** Reads both from their files again; undefined if these cannot be read, or are wrong. */
  current?: () => Pick<WebhookConfig, 'authToken' | 'sharedKey'> | undefined;
}

/** Reads it; `reread` does so again. The auth token is that of the API where no other is set, even if requests are made with an API key. */
export function webhookOf(
  env: Environment,
  { values, given }: Given,
  readFile: ReadFile,
  problems: Problem[],
  reread: () => WebhookConfig | undefined,
): WebhookConfig {
  const report = (setting: SettingName, message: string) => problems.push({ setting, message });
  const inApi: Problem[] = [];
  const api = readValues(env, readFile, ['api'], inApi);
  for (const problem of inApi)
    if (problem.setting === 'TWILIO_AUTH_TOKEN' && !problems.some(({ message }) => message === problem.message))
      problems.push(problem);
  const hasToken = given.has('WEBHOOK_AUTH_TOKEN') || api.given.has('TWILIO_AUTH_TOKEN');
  if (given.has('WEBHOOK_PORT') && !given.has('WEBHOOK_URL'))
    report('WEBHOOK_URL', 'WEBHOOK_PORT is set but WEBHOOK_URL is not: signatures are checked against it');
  // In the accounts file, keys are each account's own: one without a key takes no webhooks.
  if (given.has('WEBHOOK_PORT') && !hasToken && !given.has('WEBHOOK_SHARED_KEY') && !env['SYNC_ACCOUNTS_FILE'])
    report(
      'WEBHOOK_AUTH_TOKEN',
      'WEBHOOK_PORT is set but nothing to check signatures with: WEBHOOK_AUTH_TOKEN, TWILIO_AUTH_TOKEN or WEBHOOK_SHARED_KEY is required',
    );
  const webhook: WebhookConfig = {
    port: values.WEBHOOK_PORT,
    host: values.WEBHOOK_HOST,
    url: values.WEBHOOK_URL,
    authToken: given.has('WEBHOOK_AUTH_TOKEN') ? values.WEBHOOK_AUTH_TOKEN : api.values.TWILIO_AUTH_TOKEN,
    sharedKey: values.WEBHOOK_SHARED_KEY,
    ...(webhookSecrets.some((name) => env[`${name}_FILE`]) && { current: reread }),
  };
  return hideSecrets(webhook, 'authToken', 'sharedKey');
}

const webhookSecrets: SettingName[] = ['WEBHOOK_AUTH_TOKEN', 'WEBHOOK_SHARED_KEY', 'TWILIO_AUTH_TOKEN'];
