import { mergeConfig } from 'vitest/config';
import base from '../../../vitest.config.js';
import { seedBug } from './plugin.js';

// The model against a core that has a bug: these runs are to fail.
export default mergeConfig(base, {
  plugins: [seedBug(process.env.MFA_KIT_SEEDED_BUG)],
  test: { root: new URL('../../..', import.meta.url).pathname, reporters: ['json'], maxWorkers: 1 },
});
