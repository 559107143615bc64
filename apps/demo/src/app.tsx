/** The frame of every page: menu, backend, and the page that the address names. */
import type { ComponentType, JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { type PageProps, pages } from './pages/index.ts';
import { BackendPicker } from './ui/backend-picker.tsx';
import { address } from './url-state.ts';

const currentPage = (): (typeof pages)[number] =>
  pages.find(({ path }) => path === address().page) ?? pages[0];

export function App(): JSX.Element {
  const [{ page, visit }, setView] = useState(() => ({ page: currentPage(), visit: 0 }));
  const [Content, setContent] = useState<{ readonly of: string; readonly view: ComponentType<PageProps> }>();
  const [backend, setBackend] = useState('');
  const [trouble, setTrouble] = useState('');
  const menu = useRef<HTMLElement>(null);

  useEffect(() => {
    const change = (): void => setView((before) => ({ page: currentPage(), visit: before.visit + 1 }));
    addEventListener('hashchange', change);
    return () => removeEventListener('hashchange', change);
  }, []);
  useEffect(() => {
    let wanted = true;
    setTrouble('');
    document.title = `${page.title} · @diff`;
    page.load().then(
      (module) => {
        if (wanted) setContent({ of: page.path, view: module.default });
      },
      (error: Error) => wanted && setTrouble(`This page could not be loaded: ${error.message}`),
    );
    return () => {
      wanted = false;
    };
  }, [page]);
  useEffect(() => {
    // On a phone the menu is wider than the screen.
    const [all, current] = [menu.current!, menu.current!.querySelector<HTMLElement>('[aria-current]')!];
    const [outer, inner] = [all.getBoundingClientRect(), current.getBoundingClientRect()];
    all.scrollLeft += inner.left + inner.width / 2 - (outer.left + outer.width / 2);
  }, [page]);

  return (
    <>
      <a class="skip" href="#content">
        To the content
      </a>
      <header>
        <span class="brand">@diff</span>
        <nav aria-label="Pages" ref={menu}>
          {pages.map(({ path, title }) => (
            <a key={path} href={`#/${path}`} aria-current={path === page.path ? 'page' : undefined}>
              {title}
            </a>
          ))}
        </nav>
        <BackendPicker onReady={setBackend} />
      </header>
      <main id="content">
        <h1>{page.title}</h1>
        {trouble && <p class="status failed">{trouble}</p>}
        {Content?.of === page.path && <Content.view key={visit} backend={backend} />}
      </main>
    </>
  );
}
