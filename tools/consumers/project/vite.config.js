export default { ssr: { noExternal: true }, build: { target: 'esnext' } };
