import { statSync } from 'node:fs';
import { dirname } from 'node:path';

/** Returns the parent folder of a path that other users may not enter; undefined if there is none. */
export function closedFolder(place) {
  const closed = (statSync(place).mode & 0o001) === 0;
  const above = dirname(place);
  return closed ? place : above === place ? undefined : closedFolder(above);
}

/** Throws, if run as root, when the user of PostgreSQL could not run its programs from this folder. */
export function refuseClosedFolder(place) {
  const closed = process.getuid?.() === 0 ? closedFolder(place) : undefined;
  if (!closed) return;
  throw new Error(
    `PostgreSQL does not run as root, and its own user may not enter ${closed}: run "chmod o+x ${closed}", or put the repository elsewhere.`,
  );
}
