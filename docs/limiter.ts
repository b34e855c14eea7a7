// Draws docs/limiter.svg: how the limiter does in its simulation (test/twilio/limiter-simulation.ts). Left, what is left of
// the rate where answers are refused at random, beside AIMD, which halves its window for each round trip with a refusal;
// right, how far a limit is used and how much is refused, by limit and latency. Same seeds, same picture.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type EChartsOption, init } from 'echarts';
import {
  type Algorithm,
  atOnce,
  every,
  limiter,
  type Server,
  shedding,
  simulate,
  slidingSecond,
} from '../test/twilio/limiter-simulation.ts';

const minute = 60_000;
const seed = 1;
/** As far from white as from GitHub's dark ground. */
const grey = '#747a82';
const fontSize = 13;
const [width, height, top, gridHeight] = [960, 400, 70, 250];

/** The textbook's: one more in flight for each round trip, half for each with a refusal. */
const aimd: Algorithm<{ window: number; inFlight: number; cutAtMs: number; most: number }, number> = {
  create: (most) => ({ window: 4, inFlight: 0, cutAtMs: 0, most }),
  asked: ({ window, inFlight }) => (inFlight < Math.floor(window) ? 0 : Number.POSITIVE_INFINITY),
  sent(state, nowMs) {
    state.inFlight++;
    return nowMs;
  },
  answered(state, sentAtMs, { kind }, nowMs) {
    state.inFlight--;
    if (kind === 'good') state.window = Math.min(state.most, state.window + 1 / state.window);
    if (kind !== 'refused' || sentAtMs < state.cutAtMs) return;
    state.window = Math.max(1, state.window / 2);
    state.cutAtMs = nowMs;
  },
};

const shares = [0, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.15, 0.2, 0.25, 0.3];

interface Line {
  name: string;
  color: string;
  /** Good answers in the second of two minutes, by share. */
  rate: (share: number) => number;
}

/** A server without a limit, or with one, that also refuses a share at random. */
function line<State, Ticket>(name: string, color: string, limit: () => Server, by: Algorithm<State, Ticket>): Line {
  const rate = (share: number) => {
    const server = every(
      shedding(() => share, seed),
      limit(),
    );
    return simulate({ seed, server, latencyMs: 100, untilMs: 2 * minute }, by).rate(minute, 2 * minute);
  };
  return { name, color, rate };
}

const free = (): Server => () => true;
const lines = [
  line('no limit', '#1f6feb', free, limiter),
  line('100 per second', '#2da44e', () => slidingSecond(() => 100), limiter),
  line('20 at once', '#bf8700', () => atOnce(() => 20), limiter),
  line('AIMD, no limit', '#9198a1', free, aimd),
];

const limits = [1, 5, 20, 100, 500];
const latencies = [1, 20, 100, 500, 2_000];

/** Used, refused: both in percent. */
function cell(limit: number, latencyMs: number): [used: number, refused: number] {
  const maxConcurrency = Math.max(32, (limit * latencyMs * 1.5) / 1_000);
  const server = slidingSecond(() => limit);
  const report = simulate({ seed, server, latencyMs, maxConcurrency, untilMs: 2 * minute }, limiter);
  return [(100 * report.rate(minute, 2 * minute)) / limit, 100 * report.refusedShare(minute, 2 * minute)];
}

const text = { color: grey, fontSize };
const axis = { axisLabel: text, axisLine: { show: false }, axisTick: { show: false } };
const splitLine = { lineStyle: { color: grey, opacity: 0.25 } };
const name = (says: string) => ({ name: says, nameLocation: 'middle' as const, nameTextStyle: text });
const heading = (says: string, left: number) => ({
  text: says,
  left,
  top: 8,
  textStyle: { color: grey, fontSize: fontSize + 1, fontWeight: 'bold' as const },
});

const cells = limits.flatMap((limit, y) =>
  latencies.map((latencyMs, x) => {
    const [used, refused] = cell(limit, latencyMs);
    return { value: [x, y, used], refused };
  }),
);

const chart = init(null, null, { renderer: 'svg', ssr: true, width, height });
chart.setOption({
  animation: false,
  title: [heading('Of the rate without random refusals, 100 ms', 0), heading('Of a limit: used (refused)', 510)],
  legend: { top: 34, left: 0, itemWidth: 16, textStyle: text, data: lines.map(({ name: label }) => label) },
  grid: [
    { left: 50, top, width: 400, height: gridHeight },
    { left: 590, top, width: 360, height: gridHeight },
  ],
  xAxis: [
    {
      ...axis,
      ...name('answers refused at random, %'),
      nameGap: 32,
      type: 'value',
      max: 30,
      splitLine: { show: false },
    },
    { ...axis, ...name('latency, ms'), nameGap: 32, type: 'category', gridIndex: 1, data: latencies.map(String) },
  ],
  yAxis: [
    { ...axis, type: 'value', max: 1, splitLine },
    { ...axis, ...name('limit per second'), nameGap: 44, type: 'category', gridIndex: 1, data: limits.map(String) },
  ],
  visualMap: {
    show: false,
    seriesIndex: lines.length,
    dimension: 2,
    min: 40,
    max: 100,
    inRange: { color: ['#d1602a', '#dfb14b', '#2da44e'] },
  },
  series: [
    ...lines.map(({ name: label, color, rate }) => {
      const whole = rate(0);
      return {
        type: 'line' as const,
        name: label,
        itemStyle: { color },
        symbolSize: 5,
        data: shares.map((share) => [100 * share, rate(share) / whole]),
      };
    }),
    {
      type: 'heatmap',
      xAxisIndex: 1,
      yAxisIndex: 1,
      data: cells.map(({ value, refused }) => ({
        value,
        label: { formatter: `${(value[2] ?? 0).toFixed(0)} %\n(${refused.toFixed(1)} %)` },
      })),
      itemStyle: { borderColor: grey, borderWidth: 0.5 },
      label: { show: true, color: '#ffffff', fontSize: fontSize - 1 },
    },
  ],
} satisfies EChartsOption);
writeFileSync(join(import.meta.dirname, 'limiter.svg'), `${chart.renderToSVGString()}\n`);
chart.dispose();
