import { afterEach, beforeEach } from 'vitest';

/** What the kit told the operator through the process's warnings during the test that runs, each as `CODE: sentence`. */
export function watchWarnings(): string[] {
  const told: string[] = [];
  const note = ({ code, message }: NodeJS.ErrnoException) => {
    if (code?.startsWith('MFA_KIT_')) told.push(`${code}: ${message}`);
  };
  beforeEach(() => void process.on('warning', note));
  afterEach(async () => {
    // A warning arrives in the turn after its cause, which may be the end of a test that waited for nothing but promises.
    await new Promise(setImmediate);
    process.off('warning', note);
    told.length = 0;
  });
  return told;
}
