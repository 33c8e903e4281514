import { chainOf, codeOf, errorFacts, nameOf } from './error-facts.js';
import { storageFaultOf, storageHint } from './storage-hint.js';

/** How a call to the host's or a driver's code ended. */
export type CallFailure = { why: 'error'; cause?: unknown } | { why: 'timeout' };

/** A call of the storage that failed. `values`: its arguments, so that no message can repeat them. */
export type StorageFailure = CallFailure & {
  operation: 'read' | 'write' | 'remove' | 'list';
  values: readonly unknown[];
};

/** A profile that does not open. */
export interface UnreadableProfile {
  why: 'unknown_key' | 'unknown_format' | 'tampered';
  /** The key that the profile names. */
  keyId?: string | undefined;
}

/** A function of the host that threw or did not answer. `values`: its arguments. */
export type CallbackFailure = CallFailure & { option: string; values?: readonly unknown[] };

/**
 * Warns the operator through the process's warnings (type `MfaKitWarning`) why something failed: once for each cause, and again after an
 * hour with the number of failures in between. It stores nothing about any user.
 */
export interface OperatorWarnings {
  storageFailed(failure: StorageFailure): void;
  profileUnreadable(profile: UnreadableProfile): void;
  callbackFailed(failure: CallbackFailure): void;
}

/** What the warnings need to know. */
export interface WarningsOptions {
  /** The name of the storage's adapter, if it has one. */
  adapter: string | undefined;
  /** Ids of the available keys, the writing one first. */
  keyIds: readonly string[];
  clock: () => number;
}

const MAX_CAUSES = 32;
const QUIET_MS = 60 * 60 * 1000;

/** Creates the warnings of one application. */
export function createWarnings({ adapter, keyIds, clock }: WarningsOptions): OperatorWarnings {
  const tell = createTeller(clock);
  const storage = adapter === undefined ? 'The MFA storage' : `The MFA storage (${adapter})`;

  return {
    storageFailed(failure) {
      const { operation, values } = failure;
      tell(`storage ${operation} ${causeOf(failure)}`, 'MFA_KIT_STORAGE_FAILED', () => {
        const cause = failure.why === 'error' ? failure.cause : undefined;
        const fault = failure.why === 'timeout' ? 'late' : storageFaultOf(cause);
        const what = failure.why === 'error' ? `failed: ${describeError(cause, values)}` : 'did not answer in time.';
        return `${storage}, operation "${operation}", ${what} Until this is fixed, such requests are answered with 503 and denied. ${storageHint(fault, adapter, cause)}`;
      });
    },

    profileUnreadable({ why, keyId }) {
      tell(`profile ${why} ${keyId ?? ''}`, 'MFA_KIT_PROFILE_UNREADABLE', () => unreadableSentence({ why, keyId }, keyIds));
    },

    callbackFailed(failure) {
      const { option, values = [] } = failure;
      tell(`callback ${option} ${causeOf(failure)}`, 'MFA_KIT_CALLBACK_FAILED', () => {
        const what = failure.why === 'error' ? `threw ${describeError(failure.cause, values)}` : 'did not answer in time.';
        return `The option "${option}" ${what} ${CONSEQUENCES[option] ?? 'The request is denied.'} Fix the function that you passed as "${option}".`;
      });
    },
  };
}

/** What the host loses while one of its functions fails. */
const CONSEQUENCES: Record<string, string> = {
  policy: 'Requests for which it fails are denied.',
  user: 'Requests for which it fails are denied.',
  userById: 'Requests for which it fails are denied.',
  assurance: 'Requests for which it fails are denied.',
  markEnrolled: 'Your own record of who is enrolled may be wrong until the next login, when it is called again.',
  notify: 'A user was not notified of a change to the account.',
  onEvent: 'An event is missing from your audit trail.',
};

/** Describes what was thrown in one sentence, for an operator, without any value of the call. */
export function describeError(thrown: unknown, values: readonly unknown[] = []): string {
  const { name, code, sqlState, address, text } = errorFacts(thrown, values);
  const details = [
    code === undefined ? '' : `code ${code}`,
    sqlState === undefined || sqlState === code ? '' : `SQLSTATE ${sqlState}`,
    address ?? '',
  ].filter(Boolean);
  const head = details.length > 0 ? `${name} (${details.join(', ')})` : name;
  const said = text === '' ? head : `${head}: ${text}`;
  return /[.!?…]$/.test(said) ? said : `${said}.`;
}

/** Returns the identity of a failure. It must be cheap, because a storage that is down fails at every request. */
function causeOf(failure: CallFailure): string {
  if (failure.why === 'timeout') return 'timeout';
  return `${nameOf(failure.cause)} ${
    chainOf(failure.cause)
      .map(codeOf)
      .find((code) => code !== undefined) ?? ''
  }`;
}

/** Says why stored profiles do not open, and what to do, for a warning or a finding. */
export function unreadableSentence(
  { why, keyId }: UnreadableProfile,
  keyIds: readonly string[],
  closed = 'A stored MFA profile cannot be opened, so its user is answered with 503 and cannot get in',
): string {
  const ring = `"keys" has ${keyIds.map((id) => `"${id}"`).join(', ')}`;
  const second = "when a key is changed, the old one must stay as the second: keys: [{ id: 'new', ... }, { id: 'old', ... }]";
  switch (why) {
    case 'unknown_key':
      return `${closed}: it was sealed with the key "${keyId ?? '?'}", and ${ring}. Add that key to "keys" again; ${second}.`;
    case 'tampered':
      return `${closed}: ${ring}, and the profile names "${keyId ?? '?'}" but does not open with it. Either the secret of that key was changed (put the old secret back under its id, and use a new id for a new secret; ${second}), or "realm" was renamed, or somebody changed or moved the row.`;
    case 'unknown_format':
      return `${closed}: it has a format that this version does not know. Either a newer version of mfa-kit wrote it, or something else wrote to the table.`;
  }
}

interface Told {
  at: number;
  /** How often it happened since then, without a warning. */
  since: number;
}

/** Reports each cause at most once an hour. Its memory is bounded by the number of causes. */
function createTeller(clock: () => number): (cause: string, code: string, sentence: () => string) => void {
  const told = new Map<string, Told>();

  function makeRoom(now: number): boolean {
    if (told.size < MAX_CAUSES) return true;
    for (const [cause, { at }] of told) if (isOver(at, now)) told.delete(cause);
    return told.size < MAX_CAUSES;
  }

  return (cause, code, sentence) => {
    const now = timeOf(clock);
    const last = told.get(cause);
    if (last && !isOver(last.at, now)) {
      last.since += 1;
      return;
    }
    if (!last && !makeRoom(now)) return;
    told.set(cause, { at: now, since: 0 });
    const before = last && last.since > 0 ? ` This happened ${last.since} more times since the last warning about it.` : '';
    const full = told.size === MAX_CAUSES ? ' No warnings about other causes follow for an hour.' : '';
    emit(`${sentence()}${before}${full}`, code);
  };
}

/** Works in both directions, because a clock that was set back must not silence a warning for years. */
function isOver(at: number, now: number): boolean {
  return Math.abs(now - at) >= QUIET_MS;
}

function timeOf(clock: () => number): number {
  try {
    const now: unknown = clock();
    return typeof now === 'number' && Number.isFinite(now) ? now : 0;
  } catch {
    return 0;
  }
}

function emit(sentence: string, code: string): void {
  try {
    process.emitWarning(sentence, { type: 'MfaKitWarning', code });
  } catch {
    // A warning never changes the answer to a request.
  }
}
