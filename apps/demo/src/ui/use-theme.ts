/** Light or dark, as the system says; pictures are drawn again when it changes. */
import { useEffect, useState } from 'preact/hooks';

const dark = matchMedia('(prefers-color-scheme: dark)');

export function useTheme(): 'light' | 'dark' {
  const [theme, setTheme] = useState<'light' | 'dark'>(dark.matches ? 'dark' : 'light');
  useEffect(() => {
    const change = (): void => setTheme(dark.matches ? 'dark' : 'light');
    dark.addEventListener('change', change);
    return () => dark.removeEventListener('change', change);
  }, []);
  return theme;
}
