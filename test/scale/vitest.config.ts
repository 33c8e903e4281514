import base from '../../vitest.config.js';

// Measures walks over many profiles, which takes minutes and some gigabytes of disk. MFA_KIT_PROFILES=10000 takes seconds.
export default {
  ...base,
  test: {
    ...base.test,
    root: new URL('../..', import.meta.url).pathname,
    include: ['test/scale/*.scale.ts'],
    reporters: ['default'],
    testTimeout: 7_200_000,
  },
};
