import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A secret that the demo creates once and keeps in a file that only its owner can read. */
export interface KeptSecret {
  value: string;
  file: string;
  /** Whether this call created it. */
  fresh: boolean;
}

/** Reads the secret from `directory`, or creates it. Two processes that start at the same time get the same secret. */
export function keepSecret(directory: string, name: string, make: () => string): KeptSecret {
  const file = join(directory, name);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  try {
    const value = make();
    writeFileSync(file, `${value}\n`, { mode: 0o600, flag: 'wx' });
    return { value, file, fresh: true };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    return { value: readFileSync(file, 'utf8').trim(), file, fresh: false };
  }
}
