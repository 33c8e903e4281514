import { type MfaSession, sessionUserId } from '../../assurance.js';
import type { EventContext } from '../../events.js';
import type { MfaUser, ResolvedOptions } from '../../options.js';
import type { ProfileStore } from '../../store/profile-store.js';
import type { Emit } from './emitter.js';
import type { HostMemory } from './host-memory.js';

/** The context that every flow needs. */
export interface FlowContext<User extends MfaUser = MfaUser> {
  options: ResolvedOptions<User>;
  profiles: ProfileStore;
  /** Hands an event to the host's sinks; null if there are none. Awaiting it is optional; walks do so for back-pressure. */
  emit: Emit | null;
  /** Null if the option `markEnrolled` is not set. */
  hostMemory: HostMemory | null;
}

/** Who acts, in which session. */
export interface FlowInput<User extends MfaUser = MfaUser> {
  user: User;
  session: MfaSession | undefined;
  context?: EventContext | undefined;
}

/** The session's state, or undefined if it belongs to another user. */
export function stateOf(userId: string, session: MfaSession | undefined): MfaSession | undefined {
  return session && sessionUserId(session) === userId ? session : undefined;
}
