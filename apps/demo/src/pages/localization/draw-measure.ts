/**
 * A measure on points of the plane: every point as a disc whose area is its weight; on top, where the mean, the
 * observation and the diffusion are, and the way of the last.
 */
import type { Palette } from '../../ui/draw-frame.ts';
import type { Moment } from './options.ts';

const EXTENT = 2.6;

type Point = readonly [number, number];

/** @param path the moments up to the one that is shown, the last of them. */
export function drawMeasure(
  canvas: HTMLCanvasElement,
  atoms: Float32Array,
  path: readonly Moment[],
  palette: Palette,
): void {
  const side = canvas.width;
  const context = canvas.getContext('2d')!;
  const at = ([x, y]: Point): Point => [
    ((x + EXTENT) / (2 * EXTENT)) * side,
    ((EXTENT - y) / (2 * EXTENT)) * side,
  ];
  const moment = path.at(-1);
  context.fillStyle = palette.background;
  context.fillRect(0, 0, side, side);
  const count = atoms.length / 2;
  context.fillStyle = palette.particle;
  for (let k = 0; k < count; k++) {
    const weight = moment ? moment.weights[k]! : 1 / count;
    const radius = Math.min(side / 40, (side / 220) * Math.sqrt(weight * count));
    context.globalAlpha = Math.min(0.6, 0.2 + 0.4 * weight * count);
    context.beginPath();
    const centre = at([atoms[2 * k]!, atoms[2 * k + 1]!]);
    context.arc(...centre, Math.max(radius, side / 550), 0, 2 * Math.PI);
    context.fill();
  }
  context.globalAlpha = 1;
  if (!moment) return;
  context.strokeStyle = palette.ink;
  context.fillStyle = palette.ink;
  context.lineWidth = side / 600;
  context.globalAlpha = 0.6;
  context.beginPath();
  for (const { diffusion } of path) context.lineTo(...at(diffusion));
  context.stroke();
  context.globalAlpha = 1;
  const mark = (point: Point, label: string, place: 'left' | 'right' | 'below'): void => {
    const [px, py] = at(point);
    const arm = side / 60;
    context.lineWidth = side / 350;
    context.beginPath();
    context.moveTo(px - arm, py);
    context.lineTo(px + arm, py);
    context.moveTo(px, py - arm);
    context.lineTo(px, py + arm);
    context.stroke();
    context.font = `${side / 34}px system-ui, sans-serif`;
    context.textAlign = place === 'below' ? 'center' : place === 'left' ? 'right' : 'left';
    context.textBaseline = place === 'below' ? 'top' : 'bottom';
    const across = place === 'below' ? 0 : place === 'left' ? -arm / 2 : arm / 2;
    context.fillText(label, px + across, place === 'below' ? py + 1.3 * arm : py - arm / 3);
  };
  mark(moment.observed, 'U/s', 'below');
  mark(moment.diffusion, 'X', 'left');
  mark(moment.mean, 'a', 'right');
}
