// SYNC_OMIT, SYNC_HASH and SYNC_HASH_KEY together: which personal data is stored.

import { hideSecrets } from '../lib/secret.ts';
import type { MaskSettings } from '../sync/mask.ts';
import type { Problem } from './environment.ts';
import type { SettingName, Values } from './settings.ts';

/** Reports a kind that is in both settings, and hashes without a key. */
export function maskOf(values: Values, problems: Problem[]): MaskSettings {
  const { SYNC_OMIT: omit = [], SYNC_HASH: hash = [], SYNC_HASH_KEY: key = '' } = values;
  const report = (setting: SettingName, message: string) => problems.push({ setting, message });
  const both = hash.filter((kind) => omit.includes(kind));
  if (both.length > 0) report('SYNC_HASH', `SYNC_HASH and SYNC_OMIT both name ${both.join(', ')}: use one of them`);
  // A key that is refused is reported already.
  const isReported = problems.some(({ setting }) => setting?.startsWith('SYNC_HASH_KEY'));
  if (hash.length > 0 && key === '' && !isReported)
    report('SYNC_HASH_KEY', 'SYNC_HASH is set but SYNC_HASH_KEY is not: at least 32 characters');
  return hideSecrets({ omit, hash, key }, 'key');
}
