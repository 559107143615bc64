/** The frame of every page: menu, backend, and the page that the address names. */
import type { ComponentType, JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { type PageProps, pages } from './pages/index.ts';
import { BackendPicker } from './ui/backend-picker.tsx';
import { address } from './url-state.ts';

const currentPage = (): (typeof pages)[number] =>
  pages.find(({ path }) => path === address().page) ?? pages[0];

export function App(): JSX.Element {
  const [page, setPage] = useState(currentPage);
  const [Content, setContent] = useState<{ readonly of: string; readonly view: ComponentType<PageProps> }>();
  const [backend, setBackend] = useState('');
  const [trouble, setTrouble] = useState('');

  useEffect(() => {
    const change = (): void => setPage(currentPage());
    addEventListener('hashchange', change);
    return () => removeEventListener('hashchange', change);
  }, []);
  useEffect(() => {
    let wanted = true;
    document.title = `${page.title} · @diff`;
    page.load().then(
      (module) => {
        if (wanted) setContent({ of: page.path, view: module.default });
      },
      (error: Error) => setTrouble(`This page could not be loaded: ${error.message}`),
    );
    return () => {
      wanted = false;
    };
  }, [page]);

  return (
    <>
      <a class="skip" href="#content">
        To the content
      </a>
      <header>
        <span class="brand">@diff</span>
        <nav aria-label="Pages">
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
        {Content?.of === page.path && <Content.view key={page.path} backend={backend} />}
      </main>
    </>
  );
}
