export type { ConditionalStore } from '../../contract/own-storage.js';
export { conditionalStorage } from '../../contract/own-storage.js';
