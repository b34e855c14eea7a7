// Whether the simulator is fast enough not to be the limit of what is measured against it: details that one core serves in
// a second, by the CPU time its process takes for them, which is what counts where others share the machine.

import { Pool } from 'undici';
import type { Measure } from '../bench.ts';
import { row } from '../row.ts';
import { summarize } from '../statistics.ts';

const atOnce = 32;

export const simulator: Measure = {
  name: 'simulator',
  async run(bench) {
    const conversations = 2_000;
    await using api = await bench.simulator({ conversations }, { warm: true });
    const ids = await api.order('ids', conversations);
    const perSecond: number[] = [];
    let bytes = 0;
    for (let round = 0; round <= bench.rounds(5); round += 1) {
      await api.reset();
      const before = await api.counters();
      await fetchAll(api.url, api.env, ids);
      const after = await api.counters();
      bytes = after.bodyBytes / after.detail;
      // The first one is for warming up.
      if (round > 0) perSecond.push((after.detail / (after.cpuMs - before.cpuMs)) * 1000);
    }
    return [
      row({
        measure: 'simulator',
        what: `the simulator itself: details of ${(bytes / 1000).toFixed(1)} kB served by one core`,
        short: 'simulator: details/s',
        value: { ...summarize(perSecond), unit: 'details/s' },
        against: null,
        ratio: null,
        bar: { is: 'least', at: 8_000 },
      }),
    ];
  },
};

async function fetchAll(url: string, env: Record<string, string>, ids: readonly string[]): Promise<void> {
  const pool = new Pool(url, { connections: atOnce });
  const login = Buffer.from(`${env['TWILIO_ACCOUNT_SID']}:${env['TWILIO_AUTH_TOKEN']}`).toString('base64');
  const left = [...ids];
  const work = async () => {
    for (let id = left.pop(); id !== undefined; id = left.pop()) {
      const headers = { authorization: `Basic ${login}` };
      const { statusCode, body } = await pool.request({ method: 'GET', path: `/v3/Conversations/${id}`, headers });
      await body.dump({ limit: 1_000_000 });
      if (statusCode !== 200) throw new Error(`the simulator answered ${statusCode}`);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  await pool.close();
}
