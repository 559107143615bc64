// tfjs-core's test setup asks jasmine for its internals only to set a timeout, which suite.ts does.
module.exports = { core: () => ({}) };
