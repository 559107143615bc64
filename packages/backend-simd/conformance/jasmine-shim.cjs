// tfjs-core's test setup asks jasmine for its internals only to set a timeout, which run.mjs does.
module.exports = { core: () => ({}) };
