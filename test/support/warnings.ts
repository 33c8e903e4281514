import { afterEach, beforeEach } from 'vitest';

/** The process warnings of the kit during the current test, each as `CODE: sentence`. */
export function watchWarnings(): string[] {
  const told: string[] = [];
  const note = ({ code, message }: NodeJS.ErrnoException) => {
    if (code?.startsWith('MFA_KIT_')) told.push(`${code}: ${message}`);
  };
  beforeEach(() => void process.on('warning', note));
  afterEach(async () => {
    // A warning arrives one turn of the event loop after its cause, and a test that awaits only promises may end before that.
    await new Promise(setImmediate);
    process.off('warning', note);
    told.length = 0;
  });
  return told;
}
