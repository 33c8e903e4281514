import { mergeConfig } from 'vitest/config';
import { shared as base } from '../../../vitest.shared.js';
import { seedBug } from './plugin.js';

// Runs the model against a core with a bug. These runs must fail.
const config = mergeConfig(base, {
  plugins: [seedBug(process.env.MFA_KIT_SEEDED_BUG)],
  test: { root: new URL('../../..', import.meta.url).pathname, maxWorkers: 1 },
});

export default { ...config, test: { ...config.test, reporters: ['json'], globalSetup: [] } };
