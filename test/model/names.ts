import type { Name } from './state.js';

/** Maps the names of the model to ids of core. */
export interface Names {
  /** Throws if one name would have two ids, or two names the same id. */
  bind(name: Name, id: string): void;
  /** Returns the id; for an unbound name, an id that core does not know. */
  idOf(name: Name): string;
}

/** Checks both directions, so that an epoch that returned or a token that was issued twice is an error. */
export function createNames(): Names {
  const ids = new Map<Name, string>();
  const namesById = new Map<string, Name>();
  return {
    bind(name, id) {
      const [knownId, knownName] = [ids.get(name), namesById.get(id)];
      if ((knownId !== undefined && knownId !== id) || (knownName !== undefined && knownName !== name)) {
        throw new Error(`core has one id for "${name}" and "${knownName}", or two for one of them`);
      }
      ids.set(name, id);
      namesById.set(id, name);
    },
    idOf: (name) => ids.get(name) ?? `unknown-${name}`,
  };
}
