import { statSync } from 'node:fs';
import { dirname } from 'node:path';

/** The folder on the way to a place that other users may not pass; undefined: they may. */
export function closedFolder(place) {
  const closed = (statSync(place).mode & 0o001) === 0;
  const above = dirname(place);
  return closed ? place : above === place ? undefined : closedFolder(above);
}

/** Throws, as root, where the user of PostgreSQL could not run its programs from this place. */
export function refuseClosedFolder(place) {
  const closed = process.getuid?.() === 0 ? closedFolder(place) : undefined;
  if (!closed) return;
  throw new Error(
    `PostgreSQL does not run as root, and its own user may not enter ${closed}: run "chmod o+x ${closed}", or put the repository elsewhere.`,
  );
}
