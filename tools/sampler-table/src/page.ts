/** `docs/samplers.md` from the registry and the measurements. */
import { nfeText } from './budget.ts';
import { ACCURACY, DIMENSIONS, type Scaling } from './dimension-scaling.ts';
import { ROWS } from './law-error.ts';
import { BUDGETS, type Catalogue, type Curves, type Measured, type Point, within } from './measure.ts';
import type { Entry } from './registry.ts';
import { specimen } from './specimen.ts';

const cell = (text: string): string => text.replaceAll('|', '\\|');

/** What the sampler says of itself, as the first cells of its row. */
export function claims(entry: Entry): string {
  const { name, order, strongOrder, stochastic } = specimen(entry);
  const cells = [
    entry.family,
    `\`${entry.call}\``,
    name,
    order === 0 ? 'none' : String(order),
    strongOrder === undefined ? '' : String(strongOrder),
    stochastic ? 'yes' : 'no',
    nfeText(entry),
    entry.source,
  ];
  return `| ${cells.map(cell).join(' | ')} |`;
}

const fixed = (v: number): string => (Number.isNaN(v) ? '' : v.toFixed(2));

function short(v: number): string {
  if (!Number.isFinite(v)) return '∞';
  return v >= 0.01 && v < 1000 ? String(Number(v.toPrecision(2))) : v.toExponential(1);
}

function atBudgets(points: readonly Point[]): string {
  if (points.length === 0) return '';
  return BUDGETS.map((budget) => {
    const point = within(points, budget);
    return point ? short(point.error) : '–';
  }).join(' / ');
}

function row({ entry, order, strongOrder, ring, cube }: Measured): string {
  const errors = ({ flow, law }: Curves): string[] => [atBudgets(flow), atBudgets(law)];
  const cells = [fixed(order), fixed(strongOrder), ...errors(ring), ...errors(cube)];
  return `${claims(entry)} ${cells.join(' | ')} |`;
}

const HEAD = [
  'family',
  'sampler',
  'name',
  'order',
  'strong',
  'stochastic',
  'evaluations of N steps',
  'source',
  'measured order',
  'measured strong order',
  'ring: flow',
  'ring: law',
  'cube: flow',
  'cube: law',
];

export interface PlotFile {
  readonly file: string;
  readonly title: string;
}

/** What the measured orders come to, in words. */
function verdict({ measured }: Catalogue): string {
  const list = measured.flatMap(({ entry, order, strongOrder }) => {
    const claimed = specimen(entry);
    const said = (kind: string, claim: number, found: number): string[] =>
      Math.abs(found - claim) >= 0.3
        ? [`\`${entry.call}\` claims ${kind}${claim} and shows ${found.toFixed(2)}`]
        : [];
    return [...said('', claimed.order, order), ...said('strong ', claimed.strongOrder ?? 0, strongOrder)];
  });
  if (list.length === 0) return 'Every order measured lies within 0.3 of the one claimed.';
  return `Every order measured lies within 0.3 of the one claimed, but for these: ${list.join('; ')}.`;
}

export function page(catalogue: Catalogue, scalings: readonly Scaling[], plots: readonly PlotFile[]): string {
  const { ring, cube, measured } = catalogue;
  const image = ({ file, title }: PlotFile): string => `![${title}](samplers/${file})`;
  return `# The samplers, measured

Made by \`npm run samplers\`; not to be edited by hand. Claims (name, order, evaluations, …) are read from the samplers,
everything else is measured on problems whose exact answers are known. How to use them is told in the
[README of @diff/samplers](../packages/samplers/README.md).

## What is measured

Two problems, both with exact models:

- **ring**: eight Gaussians of standard deviation 0.2 on a circle of radius 2 in the plane; EDM's process (σ = t), σ from 80
  to 0.01, Karras's grid with ρ = 7.
- **cube**: four Gaussians of unequal weights and widths at corners of a cube in 16 dimensions; variance-preserving process
  with linear β from 0.1 to 20, t from 1 to 0.001, steps equal in λ. \`dpmFast\` runs on such a grid in both problems.

**Errors**, at ${BUDGETS.join(' / ')} model evaluations (the most steps that they allow; with adaptive steps the tolerance is
halved until they do not suffice; – where one step takes more):

- *flow*, of deterministic samplers: root mean square distance from the exact end of the probability flow, over twelve
  paths. Float32 leaves ${short(ring.flow)} (ring) and ${short(cube.flow)} (cube), the distance that Runge–Kutta 4 keeps with 1200
  evaluations on the backend \`simd\`; these columns are run in float64.
- *law*, of all: sliced W₂ between ${ROWS.ring} (ring) or ${ROWS.cube} (cube) samples, drawn in float32 on \`simd\`, and as many
  exact draws. Two sets of exact draws have ${short(ring.law)} (ring) and ${short(cube.law)} (cube) between them, so
  nothing of that size can be told from no error.

**Orders** are those of the production samplers run on a float64 backend, since float32 hides the higher ones:

- deterministic: slope of the flow error on the ring over the last doubling of the steps, up to 2048, that float64 resolves.
  Adaptive methods make one inner step in each step of the grid;
- weak, of stochastic samplers: slope of the error of mean and variance on Gaussian data, from the exact law of the run,
  summed over three runs (the ring's process down to σ = 0.5 and 0.01, the cube's down to t = 0.02); steps are doubled until
  the slope settles, at most to 1280;
- strong: slope between 64 and 256 steps of the median distance between runs of N and 2N steps along one Brownian path,
  over 64 paths, on the ring.

${verdict(catalogue)}

\`sra1\`, \`shark\` and \`adaptiveSde\` have a high strong order, and are explicit: far above the spread of the data, a step in which
σ/α falls by more than a factor of 7/3 (\`sra1\`) or 11/5 (\`shark\`) makes errors grow against the noise at noise level 1, and one
beyond 5 or 4 makes them grow without bound. That is what the large errors at 10 evaluations are, and those of loose
tolerances. \`seeds2\` and \`dpmSolver\` with noise integrate that part exactly and bear such steps.

The last inner step of \`dpmAdaptive\` with eta above 0 draws no noise, as it would have to go below the end of the grid for it; that
leaves its law as it is.

No order is measured where there is none in the step of the grid: correctors with steps of a fixed size leave a bias that
no grid removes (with steps that shrink like 1/N, also listed, the order is the predictor's), and consistency sampling with
an ordinary denoiser converges to nothing of use.

## Table

| ${HEAD.join(' | ')} |
|${HEAD.map(() => ' --- ').join('|')}|
${measured.map(row).join('\n')}

## Error against evaluations

On the ring. Dashed: slopes of the orders; dotted: what float32, or the size of the sample, hides. Samplers that make
the same numbers share a curve.

${plots.map(image).join('\n\n')}

## Steps against dimension

Evaluations for W₂ ≤ ${ACCURACY} on Gaussian data with independent coordinates, a third each of variance 0.05, 0.25 and 4, under
dX = −X dt + √2 dB from N(0, I) at T = 7 to δ = 0.001 on the BBDD grid. Laws are exact: no samples are drawn.

| d | ${scalings.map(({ name }) => name).join(' | ')} |
|${[0, ...scalings].map(() => ' --- ').join('|')}|
${DIMENSIONS.map((d, i) => `| ${d} | ${scalings.map(({ nfe }) => nfe[i]).join(' | ')} |`).join('\n')}
| slope, d from 16 to 256 | ${scalings.map(({ slope }) => slope.toFixed(2)).join(' | ')} |

![Evaluations for a given W₂ against the dimension](samplers/dimension.svg)

The known bounds let the number of steps grow like d for the exponential integrator with noise (Benton et al. 2023) and
like √d for DPUM (Chen et al. 2023). On this data all stay at or below √d, for a plain reason: coordinates are
independent, W₂ is √d times the error of one, and a method of order p needs d^{1/(2p)} steps to make up for it. That is 1/2 for
the methods of order 1, whatever the noise, and 1/4 for those of order 2; DPUM, whose corrector takes away most of what
its first-order predictor leaves, comes to lie between them, and DPM-Solver++(2M) below, as its error at so few steps still
falls faster than its order says. The bounds are for the worst data with given moments, in KL or total variation; a Gaussian does not
attain them, and the figures do not contradict them.
`;
}
