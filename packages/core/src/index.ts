export type * from './assurance.js';
