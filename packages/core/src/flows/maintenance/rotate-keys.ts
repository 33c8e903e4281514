import type { MfaUser } from '../../options.js';
import { DEVICE_TOKEN_SECONDS } from '../../tokens/device-token.js';
import type { FlowContext } from '../steps/flow-context.js';
import type { KeysRotated } from './results.js';
import { checkWalkInput, type WalkOptions, walkUsers } from './walk.js';

/** `dryRun` counts what would change, and stores nothing. */
export interface RotateKeysInput extends WalkOptions<KeysRotated> {
  dryRun?: boolean | undefined;
}

/** Seals every profile of another key again with the first key. The content of the profiles stays the same. */
export async function rotateKeys<User extends MfaUser>(
  flow: FlowContext<User>,
  input: RotateKeysInput = {},
): Promise<KeysRotated> {
  checkWalkInput('rotateKeys', input, ['dryRun']);
  const { dryRun = false } = input;
  const { keyring, clock } = flow.options;
  const counts = { resealed: 0, current: 0 };
  /** Keys named by records that do not open; undefined for a record whose key is not known. */
  const stillNamed = new Set<string | undefined>();
  const walked = await walkUsers<User, keyof typeof counts, Pick<KeysRotated, 'dryRun' | 'writingKey' | keyof typeof counts>>(
    flow,
    input,
    {
      name: 'rotate_keys',
      decide(profile, { keyId }) {
        if (keyId === keyring.currentId) return { answer: 'current' };
        return { answer: 'resealed', ...(dryRun ? {} : { next: profile }) };
      },
      count: (seen) => {
        counts[seen] += 1;
      },
      countUnreadable: (keyId) => void stillNamed.add(keyId),
      sums: () => ({ dryRun, writingKey: keyring.currentId, ...counts }),
    },
  );
  // A record that does not open now may open after somebody fixes its cause, so its key is still needed.
  const keyIds = stillNamed.has(undefined) ? [] : keyring.ids.slice(1).filter((id) => !stillNamed.has(id));
  const sawAll = walked.complete && input.cursor === undefined && walked.failed.count === 0;
  if (!sawAll || keyIds.length === 0 || (dryRun && walked.resealed > 0)) return walked;
  // No process signs with these keys any more, because every process must have the new key first before the walk.
  return { ...walked, removable: { keyIds, tokensEndAt: clock() + DEVICE_TOKEN_SECONDS * 1000 } };
}
