/** Points in space on a canvas: an orthographic view, near points larger and darker, and the outlines of the spheres. */
import type { Palette } from '../../ui/draw-frame.ts';
import { type Frame, RADII } from './options.ts';

/** The picture shows a ball of this radius. */
const EXTENT = 2.6;

export function drawSpheres(
  canvas: HTMLCanvasElement,
  frame: Frame | undefined,
  { turn, tilt }: { readonly turn: number; readonly tilt: number },
  palette: Palette,
): void {
  const side = canvas.width;
  const context = canvas.getContext('2d')!;
  context.fillStyle = palette.background;
  context.fillRect(0, 0, side, side);
  context.strokeStyle = palette.arrow;
  context.lineWidth = side / 500;
  context.setLineDash([side / 90, side / 90]);
  for (const radius of RADII) {
    context.beginPath();
    context.arc(side / 2, side / 2, (radius * side) / (2 * EXTENT), 0, 2 * Math.PI);
    context.stroke();
  }
  context.setLineDash([]);
  if (!frame) return;
  const { points } = frame;
  const [ct, st, cu, su] = [Math.cos(turn), Math.sin(turn), Math.cos(tilt), Math.sin(tilt)];
  const seen = Array.from({ length: points.length / 3 }, (_, i) => {
    const [x, y, z] = [points[3 * i]!, points[3 * i + 1]!, points[3 * i + 2]!];
    const across = ct * x + st * y;
    const away = -st * x + ct * y;
    return { across, up: cu * z - su * away, depth: cu * away + su * z };
  }).sort((a, b) => b.depth - a.depth);
  context.fillStyle = palette.particle;
  for (const { across, up, depth } of seen) {
    const near = Math.min(1, Math.max(0, 0.5 - depth / (2 * EXTENT)));
    context.globalAlpha = 0.12 + 0.75 * near;
    const size = (side / 160) * (0.4 + near);
    const at = (v: number): number => ((v + EXTENT) / (2 * EXTENT)) * side;
    context.fillRect(at(across) - size / 2, side - at(up) - size / 2, size, size);
  }
  context.globalAlpha = 1;
}
