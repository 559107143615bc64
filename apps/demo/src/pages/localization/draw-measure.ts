/** A measure on points of the plane: every point as a disc whose area is its weight, and three marks on top. */
import type { Palette } from '../../ui/draw-frame.ts';
import type { Moment } from './options.ts';

const EXTENT = 2.6;

export function drawMeasure(
  canvas: HTMLCanvasElement,
  atoms: Float32Array,
  moment: Moment | undefined,
  palette: Palette,
): void {
  const side = canvas.width;
  const context = canvas.getContext('2d')!;
  const at = (v: number): number => ((v + EXTENT) / (2 * EXTENT)) * side;
  context.fillStyle = palette.background;
  context.fillRect(0, 0, side, side);
  const count = atoms.length / 2;
  context.fillStyle = palette.particle;
  for (let k = 0; k < count; k++) {
    const weight = moment ? moment.weights[k]! : 1 / count;
    const radius = Math.min(side / 30, (side / 180) * Math.sqrt(weight * count));
    context.globalAlpha = Math.min(0.85, 0.15 + 0.5 * weight * count);
    context.beginPath();
    context.arc(
      at(atoms[2 * k]!),
      side - at(atoms[2 * k + 1]!),
      Math.max(radius, side / 700),
      0,
      2 * Math.PI,
    );
    context.fill();
  }
  context.globalAlpha = 1;
  if (!moment) return;
  const mark = ([x, y]: readonly [number, number], label: string): void => {
    const [px, py] = [at(x), side - at(y)];
    const arm = side / 60;
    context.strokeStyle = palette.ink;
    context.fillStyle = palette.ink;
    context.lineWidth = side / 350;
    context.beginPath();
    context.moveTo(px - arm, py);
    context.lineTo(px + arm, py);
    context.moveTo(px, py - arm);
    context.lineTo(px, py + arm);
    context.stroke();
    context.font = `${side / 38}px system-ui, sans-serif`;
    context.fillText(label, px + arm, py - arm / 2);
  };
  mark(moment.mean, 'a');
  mark(moment.observed, 'U/s');
  mark(moment.diffusion, 'X');
}
