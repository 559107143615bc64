/** The pages, in the order of the menu. Each is loaded when it is opened. */
import type { ComponentType } from 'preact';

export interface PageProps {
  /** The backend that computes; empty until one is ready. */
  readonly backend: string;
}

export interface Page {
  /** Its name in the address. */
  readonly path: string;
  readonly title: string;
  load(): Promise<{ readonly default: ComponentType<PageProps> }>;
}

export const pages: readonly [Page, ...Page[]] = [
  { path: 'noise', title: 'Noise and back', load: () => import('./noise-and-back/page.tsx') },
  { path: 'learn', title: 'Learn it', load: () => import('./learn/page.tsx') },
  { path: 'digits', title: 'Digits', load: () => import('./digits/page.tsx') },
  { path: 'spheres', title: 'Two spheres', load: () => import('./two-spheres/page.tsx') },
  {
    path: 'localization',
    title: 'Stochastic localization',
    load: () => import('./localization/page.tsx'),
  },
  { path: 'race', title: 'Samplers race', load: () => import('./race/page.tsx') },
];
