import { chainOf, codeOf, errorFacts, nameOf } from './error-facts.js';
import { type UnreadableProfile, type WarningCode, type WarningFacts, warningSentence } from './process-warnings.js';
import { storageFaultOf, storageHint } from './storage-hint.js';

/** How a call to the host's or a driver's code ended. */
export type CallFailure = { why: 'error'; cause?: unknown } | { why: 'timeout' };

/** A call of the storage that failed. `values`: its arguments, so that no message can repeat them. */
export type StorageFailure = CallFailure & {
  operation: 'read' | 'write' | 'remove' | 'list';
  values: readonly unknown[];
};

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
  const warn = createWarner(clock);

  return {
    storageFailed(failure) {
      const { operation, values } = failure;
      warn(`storage ${operation} ${causeOf(failure)}`, 'MFA_KIT_STORAGE_FAILED', () => {
        const cause = failure.why === 'error' ? failure.cause : undefined;
        const error = failure.why === 'error' ? describeError(cause, values) : undefined;
        const hint = storageHint(failure.why === 'timeout' ? 'late' : storageFaultOf(cause), adapter, cause);
        return [{ adapter, operation, error, hint }];
      });
    },

    profileUnreadable({ why, keyId }) {
      warn(`profile ${why} ${keyId ?? ''}`, 'MFA_KIT_PROFILE_UNREADABLE', () => [{ why, keyId }, keyIds]);
    },

    callbackFailed(failure) {
      const { option, values = [] } = failure;
      warn(`callback ${option} ${causeOf(failure)}`, 'MFA_KIT_CALLBACK_FAILED', () => [
        option,
        failure.why === 'error' ? describeError(failure.cause, values) : undefined,
      ]);
    },
  };
}

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

interface LastWarning {
  at: number;
  /** How often it happened since then, without a warning. */
  since: number;
}

/** Warns about a cause. `facts` is called only if the warning is given. */
type WarnAboutCause = <Code extends WarningCode>(cause: string, code: Code, facts: () => WarningFacts[Code]) => void;

/** Reports each cause at most once an hour. Its memory is bounded by the number of causes. */
function createWarner(clock: () => number): WarnAboutCause {
  const lastWarnings = new Map<string, LastWarning>();

  function makeRoom(now: number): boolean {
    if (lastWarnings.size < MAX_CAUSES) return true;
    for (const [cause, { at }] of lastWarnings) if (isOver(at, now)) lastWarnings.delete(cause);
    return lastWarnings.size < MAX_CAUSES;
  }

  return (cause, code, facts) => {
    const now = timeOf(clock);
    const last = lastWarnings.get(cause);
    if (last && !isOver(last.at, now)) {
      last.since += 1;
      return;
    }
    if (!last && !makeRoom(now)) return;
    lastWarnings.set(cause, { at: now, since: 0 });
    const before = last && last.since > 0 ? ` This happened ${last.since} more times since the last warning about it.` : '';
    const full = lastWarnings.size === MAX_CAUSES ? ' No warnings about other causes follow for an hour.' : '';
    emit(`${warningSentence(code, ...facts())}${before}${full}`, code);
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

function emit(sentence: string, code: WarningCode): void {
  try {
    process.emitWarning(sentence, { type: 'MfaKitWarning', code });
  } catch {
    // A warning never changes the answer to a request.
  }
}
