/** Particles, density and arrows of a two-dimensional state, on a canvas. */

export interface Picture {
  /** x, y of every particle. */
  readonly points: Float32Array;
  /** dx, dy at the nodes of a square lattice over the picture, row by row from y = −extent. */
  readonly arrows?: Float32Array | undefined;
  /** The picture shows |x|, |y| ≤ extent. */
  readonly extent: number;
  readonly density: boolean;
}

/** Colours of the page's theme. */
export interface Palette {
  readonly background: string;
  readonly particle: string;
  readonly arrow: string;
  readonly ink: string;
}

export function paletteOf(element: Element): Palette {
  const style = getComputedStyle(element);
  const colour = (name: string): string => style.getPropertyValue(name).trim();
  return {
    background: colour('--panel'),
    particle: colour('--accent'),
    arrow: colour('--faint'),
    ink: colour('--ink'),
  };
}

const CELLS = 90;

function drawDensity(
  context: CanvasRenderingContext2D,
  { points, extent }: Picture,
  side: number,
  colour: string,
): void {
  const counts = new Float32Array(CELLS * CELLS);
  for (let i = 0; i < points.length; i += 2) {
    const column = Math.floor(((points[i]! + extent) / (2 * extent)) * CELLS);
    const row = Math.floor(((extent - points[i + 1]!) / (2 * extent)) * CELLS);
    if (column >= 0 && column < CELLS && row >= 0 && row < CELLS) counts[row * CELLS + column]!++;
  }
  const most = counts.reduce((a, b) => Math.max(a, b), 1);
  const cell = side / CELLS;
  context.fillStyle = colour;
  counts.forEach((count, i) => {
    if (count === 0) return;
    context.globalAlpha = Math.sqrt(count / most);
    context.fillRect((i % CELLS) * cell, Math.floor(i / CELLS) * cell, cell + 0.5, cell + 0.5);
  });
  context.globalAlpha = 1;
}

export function drawFrame(canvas: HTMLCanvasElement, picture: Picture, palette: Palette): void {
  const side = canvas.width;
  const context = canvas.getContext('2d')!;
  const { points, arrows, extent } = picture;
  const at = (v: number): number => ((v + extent) / (2 * extent)) * side;
  context.fillStyle = palette.background;
  context.fillRect(0, 0, side, side);
  if (arrows) {
    const lattice = Math.sqrt(arrows.length / 2);
    const step = (2 * extent) / (lattice - 1);
    context.strokeStyle = palette.arrow;
    context.lineWidth = side / 500;
    context.beginPath();
    for (let i = 0; i < lattice * lattice; i++) {
      const x = -extent + step * (i % lattice);
      const y = -extent + step * Math.floor(i / lattice);
      const [dx, dy] = [arrows[2 * i]!, arrows[2 * i + 1]!];
      const length = Math.hypot(dx, dy);
      if (!(length > 0)) continue;
      const shown = (0.8 * step * Math.tanh(length)) / length;
      const [x1, y1] = [at(x + shown * dx), side - at(y + shown * dy)];
      const angle = Math.atan2(-dy, dx);
      const head = side / 90;
      context.moveTo(at(x), side - at(y));
      context.lineTo(x1, y1);
      context.moveTo(x1 - head * Math.cos(angle - 0.5), y1 - head * Math.sin(angle - 0.5));
      context.lineTo(x1, y1);
      context.lineTo(x1 - head * Math.cos(angle + 0.5), y1 - head * Math.sin(angle + 0.5));
    }
    context.stroke();
  }
  if (picture.density) {
    drawDensity(context, picture, side, palette.particle);
  } else {
    const size = side / 220;
    context.fillStyle = palette.particle;
    context.globalAlpha = 0.65;
    for (let i = 0; i < points.length; i += 2) {
      context.fillRect(at(points[i]!) - size / 2, side - at(points[i + 1]!) - size / 2, size, size);
    }
    context.globalAlpha = 1;
  }
}
