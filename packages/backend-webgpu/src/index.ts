import './register.ts';

export { DiffWebGPUBackend } from './backend.ts';
export { DeviceLostError } from './device-lost-error.ts';
