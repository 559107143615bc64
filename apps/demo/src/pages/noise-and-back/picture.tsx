/** The picture, on which the user may draw a distribution of their own. */
import type { JSX } from 'preact';
import { useCallback, useEffect, useRef } from 'preact/hooks';
import { drawFrame, paletteOf } from '../../ui/draw-frame.ts';
import { useTheme } from '../../ui/use-theme.ts';
import { EXTENT } from './options.ts';

type Point = readonly [number, number];

const SIDE = 720;

export function Picture({
  label,
  points,
  arrows,
  density,
  drawable,
  drawn,
  onDraw,
  onStroke,
}: {
  readonly label: string;
  /** x, y of every particle. */
  readonly points: Float32Array;
  readonly arrows: Float32Array | undefined;
  readonly density: boolean;
  readonly drawable: boolean;
  /** Strokes of before: a new one is seen beside them. */
  readonly drawn: readonly Point[];
  /** A stroke begins. */
  onDraw(): void;
  /** It has ended: one point at least. */
  onStroke(points: readonly Point[]): void;
}): JSX.Element {
  const canvas = useRef<HTMLCanvasElement>(null);
  const stroke = useRef<Point[] | undefined>(undefined);
  const theme = useTheme();

  const paint = useCallback(() => {
    const element = canvas.current!;
    const shown = stroke.current
      ? { points: new Float32Array([...drawn, ...stroke.current].flat()), density: false }
      : { points, arrows, density };
    drawFrame(element, { ...shown, extent: EXTENT }, paletteOf(element));
  }, [points, arrows, density, drawn, theme]);
  useEffect(paint, [paint]);

  const pointAt = (event: PointerEvent): Point => {
    const box = canvas.current!.getBoundingClientRect();
    const scale = (v: number): number => (2 * v - 1) * EXTENT;
    return [scale((event.clientX - box.left) / box.width), -scale((event.clientY - box.top) / box.height)];
  };
  const finish = (): void => {
    const points = stroke.current;
    stroke.current = undefined;
    if (points) onStroke(points);
  };
  return (
    <canvas
      ref={canvas}
      width={SIDE}
      height={SIDE}
      role="img"
      aria-label={label}
      class={drawable ? 'drawable' : ''}
      onPointerDown={(e) => {
        if (!drawable) return;
        onDraw();
        e.currentTarget.setPointerCapture(e.pointerId);
        stroke.current = [pointAt(e)];
      }}
      onPointerMove={(e) => {
        if (!stroke.current) return;
        stroke.current.push(pointAt(e));
        paint();
      }}
      onPointerUp={finish}
      onPointerCancel={finish}
    />
  );
}
