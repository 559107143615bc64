/**
 * Registers the gradients of all tfjs ops. tfjs-core alone has none; the build bundles this file, because Node
 * cannot resolve the extensionless imports inside tfjs-core's dist folder.
 */
// First, so that the engine's Tensor class is the package's own, whoever loads this file.
import '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-core/dist/register_all_gradients';
