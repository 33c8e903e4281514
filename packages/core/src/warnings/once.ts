import { type WarningCode, type WarningFacts, warningSentence } from './process-warnings.js';

/** Warns the operator through a process warning: once for each code and sentence. */
export type Warn = <Code extends WarningCode>(code: Code, ...facts: WarningFacts[Code]) => void;

/** Creates a {@link Warn} with its own memory: each `createMfa()` and each HTTP kit warns for itself. */
export function createWarn(): Warn {
  const given = new Set<string>();
  return (code, ...facts) => {
    const sentence = warningSentence(code, ...facts);
    // The key includes the sentence, because one code may be about several callbacks.
    const key = `${code} ${sentence}`;
    if (given.has(key)) return;
    given.add(key);
    process.emitWarning(sentence, { type: 'MfaKitWarning', code });
  };
}
