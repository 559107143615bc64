/** The report of a run: one HTML file that needs nothing else. */
import { median, quantile } from '../statistics/quantile.ts';
import {
  type CaseResult,
  type ContestantResult,
  type Machine,
  type Results,
  samplesOf,
} from '../suite/results.ts';
import { judgeTargets, type Verdict } from '../targets/judge-targets.ts';
import { byClock, shareOfCore } from './by-clock.ts';
import { type GrowthCurve, growthCurves } from './growth.ts';
import { escapeHtml, type HtmlCell, page, table } from './html.ts';
import { compared, growthPlot, quietnessPlot, ratioPlot } from './plots.ts';
import { remarks } from './remarks.ts';
import { shownBytes, shownRatio, shownTime } from './shown.ts';

const note = (text: string): string => `<p class="note">${escapeHtml(text)}</p>`;
const heading = (text: string): string => `<h2>${escapeHtml(text)}</h2>`;
const figure = (markup: string): string => `<figure>${markup}</figure>`;

const METHOD =
  `Every contestant runs in a process of its own; one works at a time, the others wait for input. A case is
  timed only where the result agrees with a reference in float64 (or, for training steps, with tfjs's cpu backend).
  Contestants take turns, and a turn counts by its fastest burst; times are medians over the turns, with quartiles.
  Ratios are medians of the ratios within a round, with 95 % bootstrap intervals over the rounds, so that load that
  comes and goes weighs on both sides.`.replace(/\s+/g, ' ');

function verdictRow({ target, title, verdict, ratio, reason }: Verdict): readonly (HtmlCell | string)[] {
  return [
    title,
    `≥ ${target.atLeast}`,
    ratio
      ? `${shownRatio(ratio.value)} (${shownRatio(ratio.low)} to ${shownRatio(ratio.high)})`
      : (reason ?? ''),
    { text: verdict, kind: verdict },
  ];
}

function timeCell(result: CaseResult, contestant: ContestantResult): HtmlCell {
  const cell = result.cells[contestant.id];
  if (!cell) return { text: '' };
  if (cell.status !== 'timed') {
    return contestant.yardstick ? { text: '' } : { text: cell.status, kind: cell.status, hint: cell.reason };
  }
  const quartiles = `quartiles ${shownTime(quantile(cell.samples, 0.25))} to ${shownTime(quantile(cell.samples, 0.75))}`;
  return {
    text: shownTime(median(cell.samples)),
    hint: `${quartiles}; ${cell.samples.length} rounds; first run ${shownTime(cell.firstRun)}`,
  };
}

/** What a time means in units of work: GFLOP/s, or ns per element. */
function rate(result: CaseResult, contestant: string): string {
  const samples = samplesOf(result, contestant);
  if (samples.length === 0) return '';
  const milliseconds = median(samples);
  const { flops, elements } = result.work ?? {};
  if (flops) return `${(flops / milliseconds / 1e6).toPrecision(3)} GFLOP/s`;
  if (elements) return `${((milliseconds * 1e6) / elements).toPrecision(3)} ns each`;
  return '';
}

function group(results: Results, name: string): string[] {
  const cases = results.cases.filter((c) => c.group === name);
  if (cases.length === 0) return [];
  const people = results.contestants.filter(({ absent }) => absent === undefined);
  const plot = ratioPlot(results, cases);
  const rows = cases.map((result) => [
    result.title,
    rate(result, results.baseline),
    ...people.map((contestant) => timeCell(result, contestant)),
  ]);
  return [
    heading(`${name[0]!.toUpperCase()}${name.slice(1)}`),
    ...(plot ? [figure(plot)] : []),
    table(['', 'simd', ...people.map(({ label }) => label)], rows),
  ];
}

function growth(results: Results): string[] {
  const curves = growthCurves(results);
  if (curves.length === 0) return [];
  const keys = [...new Set(curves.map(({ curve, axis }) => `${curve} against ${axis}`))];
  const of = (key: string): GrowthCurve[] => curves.filter((c) => `${c.curve} against ${c.axis}` === key);
  const memory = ({ points }: GrowthCurve): string => {
    const [first, last] = [points[0]?.peakBytes, points.at(-1)?.peakBytes];
    return first === undefined || last === undefined ? '' : `${shownBytes(first)} to ${shownBytes(last)}`;
  };
  return [
    heading('Growth'),
    note(
      'Exponents p of time = c·sizeᵖ, fitted over all points and over the larger half; 1 is linear. The memory is the high-water mark of the process, which is a fresh one for each curve, after the first and after the last point.',
    ),
    ...keys.flatMap((key) => [
      `<h3>${escapeHtml(key)}</h3>`,
      figure(growthPlot(results, of(key))),
      table(
        ['', 'exponent', 'larger half', 'memory'],
        of(key).map((c) => [
          c.label,
          c.fit ? `${c.fit.slope.toFixed(2)} ± ${c.fit.standardError.toFixed(2)}` : '',
          c.upperSlope?.toFixed(2) ?? '',
          memory(c),
        ]),
      ),
    ]),
  ];
}

function startUp({ startUp: rows }: Results): string[] {
  if (rows.length === 0) return [];
  return [
    heading('Start-up'),
    note('From the start of a fresh process to its first result, an addition of eight numbers.'),
    table(
      ['', 'median', 'quartiles'],
      rows.map(({ name, samples }) => [
        name,
        shownTime(median(samples)),
        `${shownTime(quantile(samples, 0.25))} to ${shownTime(quantile(samples, 0.75))}`,
      ]),
    ),
  ];
}

function sizes({ sizes: rows }: Results): string[] {
  if ('cannot' in rows) return [heading('Download size'), note(`Not measured: ${rows.cannot}.`)];
  if (rows.length === 0) return [];
  return [
    heading('Download size'),
    note(
      'Bundled and minified for a web page; packages of this project without tfjs-core, which has a row of its own.',
    ),
    table(
      ['', 'minified', 'gzip', 'brotli'],
      rows.map(({ name, minified, gzip, brotli }) => [name, ...[minified, gzip, brotli].map(shownBytes)]),
    ),
  ];
}

function about(results: Results): string[] {
  const machineRow = (
    name: string,
    { cpu, cores, memoryBytes, system, runtime, load }: Machine,
  ): string[] => [
    name,
    `${cpu}, ${cores} cores, ${shownBytes(memoryBytes)}`,
    system,
    runtime,
    load.map((l) => l.toFixed(1)).join(' → '),
  ];
  const quiet = quietnessPlot(results);
  return [
    heading('Where and of what'),
    table(
      ['', 'machine', 'system', 'runtime', 'load before → after'],
      [
        machineRow('node', results.machine),
        ...Object.entries(results.merged ?? {}).map(([name, m]) => machineRow(name, m)),
      ],
    ),
    table(
      ['contestant', 'versions', 'threads', ''],
      results.contestants.map(({ id, label, versions, threads, absent }) => [
        `${label} (${id})`,
        Object.entries(versions)
          .map(([name, version]) => `${name} ${version}`)
          .join(', '),
        threads || '',
        absent ? { text: `absent: ${absent}`, kind: 'open' } : '',
      ]),
    ),
    note(
      `Commit ${results.commit}, ${results.started}, ${results.seconds.toFixed(0)} s; options ${JSON.stringify(results.options)}.`,
    ),
    ...(quiet
      ? [
          note('How quiet the machine was: samples of simd as multiples of the least of their case.'),
          figure(quiet),
        ]
      : []),
  ];
}

export function renderReport(measured: Results): string {
  const results = byClock(measured);
  const share = shareOfCore(measured);
  const groups = [...new Set(results.cases.map((c) => c.group))].filter((name) => name !== 'growth');
  const lines = [
    ...remarks(results.cases, results.contestants),
    ...results.notReached.map((id) => `${id}: not reached before the run ended`),
  ];
  return page('Benchmark', [
    note(`${compared(results).length} contestants, ${results.cases.length} cases. ${METHOD}`),
    note(
      `${results.clock === 'cpu' ? 'Times are those of the processor.' : 'Times are those that passed.'} ${
        share === undefined
          ? ''
          : `Programs of one thread had ${Math.round(100 * share)} % of a core while they were timed.`
      }`,
    ),
    heading('Targets'),
    table(['', 'promised', 'measured', ''], judgeTargets(results).map(verdictRow)),
    ...groups.flatMap((name) => group(results, name)),
    ...growth(results),
    ...startUp(results),
    ...sizes(results),
    ...(lines.length > 0
      ? [
          heading('What has no time'),
          `<ul>${lines.map((line) => `<li>${escapeHtml(line)}</li>`).join('')}</ul>`,
        ]
      : []),
    ...about(results),
  ]);
}
