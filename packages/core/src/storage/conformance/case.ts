import type { StorageConformanceHooks } from '../conformance.js';
import type { MfaStorage, StoredProfile } from '../storage.js';

/** A case before it is bound to an adapter. */
export interface StorageCase {
  name: string;
  needs?: keyof StorageConformanceHooks;
  run(context: CaseContext): Promise<void>;
}

export interface CaseContext {
  /** Two connections to one database. */
  first: MfaStorage;
  second: MfaStorage;
  hooks: StorageConformanceHooks;
  /** Removes what an earlier run left under these ids. */
  clear(...userIds: string[]): Promise<void>;
  /** Clears the id, stores a new profile under it, and returns that profile. */
  put(userId: string, value?: string): Promise<StoredProfile>;
  /** Fails unless both connections read exactly this under the id. */
  expectStored(userId: string, expected: StoredProfile | null, when: string): Promise<void>;
}

export function caseContext(first: MfaStorage, second: MfaStorage, hooks: StorageConformanceHooks): CaseContext {
  async function clear(...userIds: string[]) {
    for (const userId of userIds) {
      for (let left = await first.read(userId), tries = 0; left; left = await first.read(userId), tries++) {
        check(tries < 20, `what is stored under ${JSON.stringify(userId)} cannot be removed`);
        await first.remove(userId, left.version);
      }
    }
  }

  return {
    first,
    second,
    hooks,
    clear,
    async put(userId, value) {
      await clear(userId);
      const profile = newProfile(value);
      check(await first.write(userId, profile, null), `creating ${JSON.stringify(userId)} said false`);
      return profile;
    },
    async expectStored(userId, expected, when) {
      expectSame(await first.read(userId), expected, `${when}, the first connection`);
      expectSame(await second.read(userId), expected, `${when}, the second connection`);
    },
  };
}

let minted = 0;

/** Returns a version that no other profile of this run has. It looks as random as those of core, because a counter must not pass. */
export function newVersion(): string {
  let state = ++minted * 0x9e3779b1;
  return Array.from({ length: 4 }, () => {
    state = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x297a2d39;
    return ((state ^ (state >>> 13)) >>> 0).toString(16).padStart(8, '0');
  }).join('');
}

export function newProfile(value?: string): StoredProfile {
  const version = newVersion();
  return { version, value: value ?? `value_${version}` };
}

export function check(condition: boolean, message: string): asserts condition {
  if (!condition) throw new Error(message);
}

/** Fails unless it is the same profile, byte for byte, and nothing more. */
export function expectSame(actual: StoredProfile | null, expected: StoredProfile | null, where: string): void {
  if (expected === null) {
    check(actual === null, `${where} reads a profile where none must be`);
    return;
  }
  check(actual !== null, `${where} reads null where a profile must be`);
  check(typeof actual.version === 'string' && typeof actual.value === 'string', `${where} reads something else than two strings`);
  check(actual.version === expected.version, `${where} reads version ${actual.version} instead of ${expected.version}`);
  if (actual.value === expected.value) return;
  const at = [...expected.value].findIndex((character, index) => actual.value[index] !== character);
  throw new Error(
    `${where} reads another value: ${actual.value.length} characters instead of ${expected.value.length}, ` +
      `different from position ${at === -1 ? expected.value.length : at}`,
  );
}

/** The outcome of a call that may fail: its answer, or that it threw. */
export type Outcome = boolean | 'threw';

export function outcomeOf(call: Promise<boolean>): Promise<Outcome> {
  return call.catch(() => 'threw' as const);
}
