export { mfa } from './app.js';
