/**
 * Registers the gradients of all tfjs ops. tfjs-core alone has none; the build bundles this file, because Node
 * cannot resolve the extensionless imports inside tfjs-core's dist folder.
 */
import '@tensorflow/tfjs-core/dist/register_all_gradients';
