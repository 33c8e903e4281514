import type { Name } from './state.js';

/** What each name of the model is in core. */
export interface Names {
  /** Throws where one name would have two meanings, or two names one. */
  bind(name: Name, id: string): void;
  /** The id; of a name that means nothing, one that core does not know. */
  idOf(name: Name): string;
}

/** Both ways: an epoch that came back, or a token that was given twice, contradicts. */
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
