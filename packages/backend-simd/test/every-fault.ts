// Before every test file: faults that are rare in life happen at once. Growth detaches views at each allocation,
// free memory is NaN, and a kernel that writes behind its output is found when the output is freed.
// tfjs-core first: @diff/core imports a part of its sources, and the copy of tfjs-core that comes first makes the tensors.
import '@tensorflow/tfjs-core';
import { supports, wasm } from '../src/wasm.ts';

if (supports('base')) wasm().heap.stress({ detach: true, poison: true, guard: true });
