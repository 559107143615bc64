/**
 * Threefry4x32-20 in WGSL: `threefry(counter, key)`, the same integers as `threefry4x32` of @diff/core.
 * Rounds are written out; rotation constants and the parity word are those of Random123.
 */
const ROTATIONS = [
  [10, 26],
  [11, 21],
  [13, 27],
  [23, 5],
  [6, 20],
  [17, 11],
  [25, 10],
  [18, 20],
] as const;

function mix(sum: string, turned: string, by: number): string {
  return `x.${sum} += x.${turned}; x.${turned} = ((x.${turned} << ${by}u) | (x.${turned} >> ${32 - by}u)) ^ x.${sum};`;
}

const rounds = Array.from({ length: 20 }, (_, round) => {
  const [first, second] = ROTATIONS[round & 7]!;
  const [p, q] = round & 1 ? ['w', 'y'] : ['y', 'w'];
  const lines = [mix('x', p!, first), mix('z', q!, second)];
  if ((round & 3) === 3) {
    const s = (round + 1) >> 2;
    const word = (i: number): string => `k${(s + i) % 5}`;
    lines.push(`x += vec4<u32>(${word(0)}, ${word(1)}, ${word(2)}, ${word(3)} + ${s}u);`);
  }
  return `  ${lines.join(' ')}`;
}).join('\n');

export const threefry: string = `
fn threefry(counter: vec4<u32>, key: vec4<u32>) -> vec4<u32> {
  let k0 = key.x; let k1 = key.y; let k2 = key.z; let k3 = key.w;
  let k4 = 0x1bd11bdau ^ k0 ^ k1 ^ k2 ^ k3;
  var x = counter + key;
${rounds}
  return x;
}
`;
