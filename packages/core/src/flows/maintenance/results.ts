/** User ids for an operator: how many, and the first hundred. */
export interface UserIdList {
  count: number;
  userIds: string[];
}

/** What every walk over all users tells. */
export interface Walked {
  /** The last page was reached. It says nothing of {@link failed}. */
  complete: boolean;
  /** Where to go on, if it was not: give it back as `cursor`. Absent in an incomplete answer: at the start. */
  cursor?: string;
  /** Why it was not: the signal's reason, what the storage threw, or the refusal that users in a row met. */
  cause?: unknown;
  /** Users that were visited since this walk, or this part of it, began. */
  users: number;
  /** Profiles that do not open: under no key that is there, in another format, or changed by somebody. Each is an event too. */
  unreadable: UserIdList;
  /** Users that could not be reached in some seconds. */
  failed: UserIdList;
}

/** All profiles in numbers, by {@link Mfa.report}; no secret and no name. */
export interface MfaReport extends Walked {
  /** When it began, in epoch milliseconds. */
  at: number;
  enrolled: number;
  /** Users with a profile and no authenticator: who began a login and did not enroll so far, or was reset. */
  notEnrolled: number;
  authenticators: { kind: string; count: number }[];
  /** Enrolled users by the recovery codes that they have left; `few`: at most `recoveryCodes.lowAt`. */
  recoveryCodes: { none: number; few: number; enough: number };
  /** Browsers that have passed a factor, and those of them that are not asked at login. */
  devices: { known: number; remembered: number };
  /** Users whose codes are not looked at now when they come from a browser that is not known. */
  throttled: number;
  /** What each key seals, the writing one first. `inRing: false`: the key is missing, and what it seals unreadable. */
  keys: { id: string; inRing: boolean; profiles: number }[];
}

/** What {@link Mfa.rotateKeys} did, or would do. */
export interface KeysRotated extends Walked {
  dryRun: boolean;
  /** Id of the first key, by which everything is sealed from now on. */
  writingKey: string;
  /** Profiles that were sealed again with the first key, or would be in a dry run. */
  resealed: number;
  /** Profiles that the first key had sealed already. */
  current: number;
  /**
   * The other keys that no profile needs any more: a complete walk from the start, in which nobody failed, saw none that names them,
   * readable or not.
   */
  removable?: {
    keyIds: string[];
    /**
     * Until when browsers may hold a device token by one of them, in epoch milliseconds. Removed sooner, such a browser is asked
     * once more and becomes a new device; nobody is shut out.
     */
    tokensEndAt: number;
  };
}

/** What {@link Mfa.afterRestore} did, or would do. */
export interface RestoreHandled extends Walked {
  dryRun: boolean;
  /** The instant that the profiles are marked with: give it back, with the cursor, to go on. */
  restoredAt: number;
  /** Profiles whose sessions, devices and recovery codes ended; in a dry run: would end. */
  handled: number;
  /** Profiles that were marked with this instant or a later one, and left alone. */
  already: number;
  devicesRemoved: number;
  /** Users who lost their recovery codes and must make new ones. */
  recoveryCodesRevoked: number;
}

/** What {@link Mfa.check} can find: a closed set, so that a `switch` over it is exhaustive. */
export type FindingCode =
  /** The table does not exist. */
  | 'table_missing'
  /** The database cannot be reached, or does not answer in time. */
  | 'storage_away'
  /** The storage answers with an error of another kind. */
  | 'storage_unusable'
  /** Stored profiles were sealed with a key that `keys` lacks. */
  | 'key_missing'
  /** Stored profiles do not open with the key that they name: its secret was changed, or they were. */
  | 'profile_sealed_otherwise'
  /** Stored profiles have a format that this version does not know. */
  | 'profile_format_unknown'
  /** A stored instant lies far ahead of this clock. */
  | 'stored_instant_ahead'
  /** A setting of the database weakens what is promised. */
  | 'unsafe_setting'
  /** The settings of the database could not be asked. */
  | 'settings_unknown'
  /** The option `clock` gives no epoch milliseconds. */
  | 'clock_wrong'
  /** The option `clock` and the clock of this server are more than a minute apart. */
  | 'clock_apart'
  /** The storage is `memoryStorage()`. */
  | 'memory_storage'
  /** The option `markEnrolled` is not set. */
  | 'mark_enrolled_missing';

/** One thing that an operator should know at start. No secret is in it. */
export interface MfaFinding {
  /** `error`: users are kept out. `warning`: something is promised less, or will fail later. */
  level: 'error' | 'warning' | 'info';
  code: FindingCode;
  /** What was found, and what to do about it. */
  text: string;
}
