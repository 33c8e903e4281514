import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A secret that the demo makes once and keeps in a file which only its owner reads. */
export interface KeptSecret {
  value: string;
  file: string;
  /** Made by this call. */
  fresh: boolean;
}

/** Reads the secret from `directory`, or makes it. Of two processes that start at once both get the one that was first. */
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
