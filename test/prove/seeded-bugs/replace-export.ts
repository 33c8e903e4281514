import path from 'node:path';
import { root } from '../../house/sources.js';

/** The modules of core in which a bug replaces an export, by their paths below packages/core/src. */
interface Modules {
  assurance: typeof import('../../../packages/core/src/assurance.js');
  'factors/totp/closed-steps': typeof import('../../../packages/core/src/factors/totp/closed-steps.js');
  'factors/totp/totp': typeof import('../../../packages/core/src/factors/totp/totp.js');
  'flows/enroll': typeof import('../../../packages/core/src/flows/enroll.js');
  'flows/steps/acting-flow': typeof import('../../../packages/core/src/flows/steps/acting-flow.js');
  'flows/steps/check-proof': typeof import('../../../packages/core/src/flows/steps/check-proof.js');
  'flows/steps/ending': typeof import('../../../packages/core/src/flows/steps/ending.js');
  'flows/steps/gate': typeof import('../../../packages/core/src/flows/steps/gate.js');
  'flows/steps/guess': typeof import('../../../packages/core/src/flows/steps/guess.js');
  'flows/steps/manage': typeof import('../../../packages/core/src/flows/steps/manage.js');
  'flows/steps/presented-device': typeof import('../../../packages/core/src/flows/steps/presented-device.js');
  'flows/steps/prove': typeof import('../../../packages/core/src/flows/steps/prove.js');
  'limits/guess-budget': typeof import('../../../packages/core/src/limits/guess-budget.js');
  'policy/enforcement': typeof import('../../../packages/core/src/policy/enforcement.js');
  'policy/requirement': typeof import('../../../packages/core/src/policy/requirement.js');
  'profile/device': typeof import('../../../packages/core/src/profile/device.js');
  'profile/profile': typeof import('../../../packages/core/src/profile/profile.js');
  'profile/tidy': typeof import('../../../packages/core/src/profile/tidy.js');
  'store/cache': typeof import('../../../packages/core/src/store/cache.js');
  'store/profile-store': typeof import('../../../packages/core/src/store/profile-store.js');
}

/** An export of core that a bug replaces. */
export interface Replacement {
  /** The path below packages/core/src, without `.ts`. */
  module: string;
  name: string;
  /** Builds the replacement from the original. */
  replace(original: unknown): unknown;
}

/** Replaces an export of a module of core for every other module; calls within the module itself reach the original. */
export function replaceExport<Path extends keyof Modules, Name extends keyof Modules[Path] & string>(
  module: Path,
  name: Name,
  replace: (original: Modules[Path][Name]) => Modules[Path][Name],
): Replacement {
  return { module, name, replace: (original) => replace(original as Modules[Path][Name]) };
}

/** The files that replacements change, each with what they make of its exports. */
export function changesOf(replacements: readonly Replacement[]): Map<string, (exports: object) => object> {
  const changes = new Map<string, (exports: object) => object>();
  for (const { module, name, replace } of replacements) {
    const file = path.join(root, 'packages/core/src', `${module}.ts`);
    const before = changes.get(file);
    changes.set(file, (exports) => ({ ...exports, ...before?.(exports), [name]: replace(Reflect.get(exports, name)) }));
  }
  return changes;
}
