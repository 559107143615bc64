// The faults that are put into the kernels: every operator below finds its places in the source of one file and says
// what to write there instead. Nothing is random: the same source gives the same mutants.

/** The source with comments and decorators blanked out; every position stays where it was. */
function codeOf(source) {
  const blank = (text) => text.replace(/[^\n]/g, ' ');
  return source.replace(/\/\*[\s\S]*?\*\/|\/\/[^\n]*|^@\w+/gm, blank);
}

/** End of the bracket that opens at `open`. */
function closing(code, open) {
  let depth = 0;
  for (let i = open; i < code.length; i++) {
    if ('([{'.includes(code[i])) depth++;
    else if (')]}'.includes(code[i]) && --depth === 0) return i;
  }
  return -1;
}

/** Calls of a function: where the call and where each argument begins and ends. */
function callsOf(code, pattern) {
  const found = [];
  for (const match of code.matchAll(new RegExp(`(?<![\\w.]|function )${pattern}\\(`, 'g'))) {
    const open = match.index + match[0].length - 1;
    const end = closing(code, open);
    if (end < 0) continue;
    const cuts = [open];
    for (let i = open + 1, depth = 0; i < end; i++) {
      if ('([{'.includes(code[i])) depth++;
      else if (')]}'.includes(code[i])) depth--;
      else if (code[i] === ',' && depth === 0) cuts.push(i);
    }
    cuts.push(end);
    const parts = cuts.slice(1).map((cut, k) => code.slice(cuts[k] + 1, cut).trim());
    found.push({ name: match[0].slice(0, -1), start: match.index, end: end + 1, parts });
  }
  return found;
}

/** A mutant for each call: `write(arguments, name)` gives the new text, or undefined to leave the call alone. */
function onCalls(code, pattern, write) {
  return callsOf(code, pattern).flatMap(({ name, start, end, parts }) => {
    const text = write(parts, name);
    return text === undefined ? [] : [{ start, end, text }];
  });
}

/** A mutant for each match. */
function onMatches(code, pattern, write) {
  return [...code.matchAll(pattern)].flatMap((match) => {
    const text = write(match);
    return text === undefined ? [] : [{ start: match.index, end: match.index + match[0].length, text }];
  });
}

/** Heads of `for` loops that count up to an end. */
const LOOP = /for \(([^;]*); (\w+) < ([^;]+); (?:\2 \+= ([^)]+)|\2\+\+|\+\+\2)\)/g;

/** A loop that goes on where another one stopped. */
const isTail = (begin) => begin === '';

/** A statement that moves an address on. */
const STEP = /(?<=^\s*|[;{] )(\w+) \+= ([^;\n]+);/gm;
const isWhole = (expression) => expression.split('(').length === expression.split(')').length;

const isStatement = (code, start, end) =>
  code[end] === ';' && /(?:[;{})]|else)\s*$/.test(code.slice(0, start));

/** [name, (code) → [{ start, end, text }]] */
const OPERATORS = [
  [
    'main loop runs over the end',
    (code) =>
      onMatches(code, /\b(\w+) \+ (\d+) <= (\w+)/g, ([, at, step, end]) =>
        Number(step) > 1 ? `${at} + ${step >= 16 ? step - 4 : step - 1} <= ${end}` : undefined,
      ),
  ],
  [
    'last turn left out',
    (code) =>
      onMatches(code, LOOP, ([whole, , at, end, step = '1']) =>
        whole.replace(`${at} < ${end}`, `${at} + ${step} < ${end}`),
      ),
  ],
  [
    'one turn too many',
    (code) =>
      onMatches(code, LOOP, ([whole, , at, end]) => whole.replace(`${at} < ${end}`, `${at} <= ${end}`)),
  ],
  [
    'tail skipped',
    (code) =>
      onMatches(code, LOOP, ([whole, begin, at, end]) =>
        isTail(begin) ? whole.replace(`${at} < ${end}`, 'false') : undefined,
      ),
  ],
  [
    'last turn left out (while)',
    (code) => onMatches(code, /while \((\w+) < (\w+)\)/g, ([, at, end]) => `while (${at} + 4 < ${end})`),
  ],
  [
    'step twice as long',
    (code) =>
      onMatches(code, /(?<=^\s*|[;{] )(\w+) \+= ([^;\n]+);/gm, ([, at, step]) => `${at} += 2 * (${step});`),
  ],
  [
    'no step',
    (code) =>
      onMatches(code, STEP, ([, at, step]) =>
        // Where it ends a loop, the loop would not end.
        isWhole(step) && !new RegExp(`(?:while|for) \\([^)]*\\b${at}\\b[^)]* <`).test(code) ? '' : undefined,
      ),
  ],
  [
    'last lane of a shuffle',
    (code) =>
      onMatches(code, /(v128\.shuffle<\w+>\([^()]*?, (\d), (?:\d, )*)(\d)\)/g, ([, head, first, last]) =>
        // Of "1, 1" only the first counts where it is used.
        first === last ? `${head.replace(/\d, $/, '0, ')}${last})` : `${head}${first})`,
      ),
  ],
  [
    'wrong lane',
    (code) =>
      onMatches(
        code,
        /((?:extract|store|replace)_lane(?:<\w+>)?\([^;]*?, )(\d)(?=[,)])/g,
        ([, head, lane]) => `${head}${lane ^ 1}`,
      ),
  ],
  [
    'wrong offset',
    (code) =>
      onCalls(code, '(?:v128\\.)?(?:load|store)(?:32_splat|64_zero|32_zero)?(?:<\\w+>)?', (parts, name) => {
        const last = parts.at(-1);
        if (!/^\d+$/.test(last) || parts.length < (name.includes('store') ? 3 : 2)) return undefined;
        return `${name}(${[...parts.slice(0, -1), last % 16 === 0 ? last - 16 : last - 4].join(', ')})`;
      }),
  ],
  [
    'store left out',
    (code) =>
      callsOf(code, '(?:v128\\.)?store(?:64_lane)?(?:<\\w+>)?')
        .filter(({ start, end }) => isStatement(code, start, end))
        .map(({ start, end }) => ({ start, end: end + 1, text: '{}' })),
  ],
  [
    'adds instead of writing',
    (code) => [
      ...onCalls(code, 'v128\\.store', ([to, value, ...offset]) =>
        value.includes(`v128.load(${to}`)
          ? undefined
          : `v128.store(${[to, `f32x4.add(v128.load(${[to, ...offset].join(', ')}), ${value})`, ...offset].join(', ')})`,
      ),
      ...onCalls(code, 'store<f32>', ([to, value, ...offset]) =>
        value.includes(`load<f32>(${to}`)
          ? undefined
          : `store<f32>(${[to, `load<f32>(${[to, ...offset].join(', ')}) + (${value})`, ...offset].join(', ')})`,
      ),
    ],
  ],
  ['writes instead of adding', (code) => onCalls(code, 'fma', ([a, b]) => `f32x4.mul(${a}, ${b})`)],
  [
    'a term left out',
    (code) => onCalls(code, '(?:f32x4|f64x2|i32x4)\\.add', ([a, b], name) => (name.length % 2 ? a : b)),
  ],
  ['plus for minus', (code) => onCalls(code, 'fnma', ([a, b, c]) => `fma(${a}, ${b}, ${c})`)],
  [
    'operands swapped',
    (code) => [
      ...onCalls(
        code,
        '(?:f32x4|f64x2|i32x4)\\.(?:sub|div|gt|lt|ge|le|lt_u)',
        ([a, b], name) => `${name}(${b}, ${a})`,
      ),
      ...onCalls(code, 'v128\\.andnot', ([a, b], name) => `${name}(${b}, ${a})`),
      ...onCalls(code, 'v128\\.bitselect', ([a, b, mask], name) => `${name}(${b}, ${a}, ${mask})`),
      ...onMatches(code, / \? ([\w.]+) : ([\w.]+)(?=[;,)])/g, ([, a, b]) => ` ? ${b} : ${a}`),
    ],
  ],
  [
    'NaN on the other side',
    (code) => onCalls(code, 'f32x4\\.p(?:max|min)', ([a, b], name) => `${name}(${b}, ${a})`),
  ],
  [
    'NaN not seen',
    (code) => [
      ...onCalls(code, 'isNaN', () => 'false'),
      ...onCalls(code, 'f32x4\\.ne', ([a, b]) => (a === b ? `f32x4.lt(${a}, ${b})` : undefined)),
      ...onCalls(code, 'f32x4\\.(?:max|min)', ([a, b], name) => `${name.replace('.', '.p')}(${b}, ${a})`),
      ...onCalls(
        code,
        '(?:max|min)<f32>',
        ([a, b], name) => `(${a} ${name.startsWith('max') ? '>' : '<'} ${b} ? ${a} : ${b})`,
      ),
    ],
  ],
  [
    'rounded twice',
    (code, file) =>
      /^(sgemm|squared-distances)/.test(file)
        ? onCalls(code, 'fma', ([a, b, c]) => `f32x4.add(f32x4.mul(${a}, ${b}), ${c})`)
        : [],
  ],
  [
    'boundary',
    (code) => [
      ...onCalls(code, '(?:min|max)(?:<usize>)?', ([a], name) => (name.endsWith('>') ? undefined : `(${a})`)),
      ...onCalls(code, '(?:min|max)(?:<usize>)?', ([, b]) => `(${b})`),
    ],
  ],
  ['tail taken for whole', (code) => onMatches(code, /\b(\w+) & ~\d+/g, ([, n]) => n)],
  [
    'condition turned round',
    (code) =>
      [...code.matchAll(/\bif \(/g)].flatMap(({ index }) => {
        const open = index + 3;
        const end = closing(code, open) + 1;
        const condition = code.slice(open, end);
        return /ASC_FEATURE|sizeof/.test(condition) ? [] : [{ start: open, end, text: `(!${condition})` }];
      }),
  ],
  [
    'equal counts too',
    (code) =>
      onMatches(
        code,
        /(?<=return [^;\n]*|if \([^;\n]*)(\w|\)) ([<>]) (?=[\w(])/g,
        ([, before, sign]) => `${before} ${sign}= `,
      ),
  ],
  [
    'constant off by 2⁻¹⁰',
    (code) =>
      [...code.matchAll(/memory\.data<f32>\(\[([\s\S]*?)\]\)/g)].flatMap((data) =>
        onMatches(data[1], /-?\d[\d.]*(?:e-?\d+)?/g, ([number]) =>
          Number(number) === 0 ? undefined : String(Number(number) * (1 + 2 ** -10)),
        ).map(({ start, end, text }) => {
          const from = data.index + data[0].indexOf('[') + 1;
          return { start: from + start, end: from + end, text };
        }),
      ),
  ],
  [
    'rotation',
    (code) => onMatches(code, /\bmix\((\w+), (\d+), /g, ([, v, by]) => `mix(${v}, ${Number(by) + 1}, `),
  ],
  ['shift', (code) => onMatches(code, /<< (\d)\b/g, ([, by]) => `<< ${Number(by) === 0 ? 1 : by - 1}`)],
  ['index off by one', (code) => onMatches(code, /\b(\w+) - 1\b/g, ([, n]) => n)],
];

/** Spreads picks over a list: 0, ½, ¼, ¾, ⅛ … of it. */
function* spread(list) {
  const seen = new Set();
  if (list.length === 0) return;
  for (let i = 0, bits = Math.ceil(Math.log2(list.length + 1)); i < 2 ** bits; i++) {
    let reversed = 0;
    for (let b = 0; b < bits; b++) if (i & (1 << b)) reversed |= 1 << (bits - 1 - b);
    const at = Math.floor((reversed / 2 ** bits) * list.length);
    if (!seen.has(at)) yield list[at];
    seen.add(at);
  }
}

/** Name of the function around a position, or of the constant. */
function place(code, position) {
  const names = [...code.slice(0, position).matchAll(/^(?:export )?(?:function|const|class) (\w+)/gm)];
  return names.at(-1)?.[1] ?? '';
}

/** All mutants of a file, in the order of their lines. */
export function allMutants(file, source) {
  const code = codeOf(source);
  return OPERATORS.flatMap(([operator, find]) =>
    find(code, file).map(({ start, end, text }) => {
      const line = source.slice(0, start).split('\n').length;
      const lines = source.split('\n');
      return {
        file,
        line,
        operator,
        place: place(code, start),
        code: lines[line - 1].trim(),
        change: `${source.slice(start, end).replace(/\s+/g, ' ')} → ${text.replace(/\s+/g, ' ') || 'nothing'}`,
        source: source.slice(0, start) + text + source.slice(end),
      };
    }),
  ).filter((mutant) => mutant.source !== source);
}

/** `count` of the mutants: operators take turns, and each takes places all over the file. */
export function someMutants(file, source, count) {
  const all = allMutants(file, source);
  const queues = OPERATORS.map(([operator]) => spread(all.filter((mutant) => mutant.operator === operator)));
  // Each file begins with another operator, so that short files do not all meet the same few.
  const shift = [...file].reduce((sum, letter) => sum + letter.charCodeAt(0), 0) % queues.length;
  queues.push(...queues.splice(0, shift));
  const chosen = [];
  while (chosen.length < Math.min(count, all.length)) {
    for (const queue of queues) {
      const { value, done } = queue.next();
      if (!done && chosen.length < count) chosen.push(value);
    }
  }
  return chosen.sort((p, q) => p.line - q.line);
}
