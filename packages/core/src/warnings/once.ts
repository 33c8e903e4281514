/** Tells the operator something through a process warning: once for each code and sentence, however often it happens. */
export type Warn = (code: `MFA_KIT_${string}`, sentence: string) => void;

/** A {@link Warn} with a memory of its own: each `createMfa()` and each HTTP kit warns for itself. */
export function createWarn(): Warn {
  const given = new Set<string>();
  return (code, sentence) => {
    // The sentence counts too: one code may speak of several callbacks.
    const key = `${code} ${sentence}`;
    if (given.has(key)) return;
    given.add(key);
    process.emitWarning(sentence, { type: 'MfaKitWarning', code });
  };
}
