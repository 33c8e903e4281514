/** User ids for an operator: their number, and the first hundred. */
export interface UserIdList {
  count: number;
  userIds: string[];
}

/** The results that every walk over all users has. */
export interface Walked {
  /** Whether the walk reached the last page. Users in {@link failed} may still have failed. */
  complete: boolean;
  /** Pass it as `cursor` to continue an incomplete walk. If it is absent, start from the beginning. */
  cursor?: string;
  /** Why the walk is incomplete: the signal's reason, the storage's error, or the refusal of several users in a row. */
  cause?: unknown;
  /** Users that this call has visited. */
  users: number;
  /** Profiles that do not open: the key is missing, the format is unknown, or somebody changed them. Each is an event too. */
  unreadable: UserIdList;
  /** Users whose profile could not be read or changed within some seconds. */
  failed: UserIdList;
}

/** The counts of {@link Mfa.report}, without secrets or names. */
export interface MfaReport extends Walked {
  /** When the report began, in epoch milliseconds. */
  at: number;
  enrolled: number;
  /** Users with a profile but no authenticator: they logged in but have not enrolled, or were reset. */
  notEnrolled: number;
  authenticators: { kind: string; count: number }[];
  /** Enrolled users by the number of recovery codes left. `few` means at most `recoveryCodes.lowAt`. */
  recoveryCodes: { none: number; few: number; enough: number };
  /** Browsers that have passed a factor, and how many of them are remembered. */
  devices: { known: number; remembered: number };
  /** Users who are throttled in unknown browsers now. */
  throttled: number;
  /** How many profiles each key has sealed, the writing key first. With `inRing: false` the key is missing, so they cannot be read. */
  keys: { id: string; inRing: boolean; profiles: number }[];
}

/** What {@link Mfa.rotateKeys} did, or would do. */
export interface KeysRotated extends Walked {
  dryRun: boolean;
  /** Id of the first key, which seals everything from now on. */
  writingKey: string;
  /** Profiles that were sealed again with the first key, or would be in a dry run. */
  resealed: number;
  /** Profiles that the first key had sealed already. */
  current: number;
  /**
   * The other keys that no profile needs any more, because a complete walk from the start failed for no user and found no profile, readable
   * or not, that names them.
   */
  removable?: {
    keyIds: string[];
    /**
     * Until when browsers may have a device token signed by one of them, in epoch milliseconds. If you remove the key sooner,
     * such a browser is asked for a code once and becomes a new device. Nobody is locked out.
     */
    tokensEndAt: number;
  };
}

/** What {@link Mfa.afterRestore} did, or would do. */
export interface RestoreHandled extends Walked {
  dryRun: boolean;
  /** The time that the profiles are marked with. To continue, pass it together with the cursor. */
  restoredAt: number;
  /** Profiles whose sessions, devices and recovery codes ended; in a dry run: would end. */
  handled: number;
  /** Profiles that were skipped, because they are marked with this time or a later one. */
  already: number;
  devicesRemoved: number;
  /** Users who lost their recovery codes and must make new ones. */
  recoveryCodesRevoked: number;
}

/** The codes of {@link Mfa.check}. The set is closed, so a `switch` over it can be exhaustive. */
export type FindingCode =
  /** The table does not exist. */
  | 'table_missing'
  /** The database cannot be reached, or does not answer in time. */
  | 'storage_away'
  /** The storage answers with another error. */
  | 'storage_unusable'
  /** Stored profiles were sealed with a key that `keys` lacks. */
  | 'key_missing'
  /** Stored profiles do not open with the key that they name, because its secret or the profiles were changed. */
  | 'profile_sealed_otherwise'
  /** Stored profiles have a format that this version does not know. */
  | 'profile_format_unknown'
  /** A stored time is far ahead of this clock. */
  | 'stored_instant_ahead'
  /** A setting of the database weakens what is promised. */
  | 'unsafe_setting'
  /** The settings of the database could not be read. */
  | 'settings_unknown'
  /** The option `clock` does not return epoch milliseconds. */
  | 'clock_wrong'
  /** The option `clock` and the clock of this server are more than a minute apart. */
  | 'clock_apart'
  /** The storage is `memoryStorage()`. */
  | 'memory_storage'
  /** The option `markEnrolled` is not set. */
  | 'mark_enrolled_missing';

/** A finding that an operator should know at start. It contains no secret. */
export interface MfaFinding {
  /** `error`: users cannot log in. `warning`: a guarantee is weaker, or something will fail later. */
  level: 'error' | 'warning' | 'info';
  code: FindingCode;
  /** What was found, and what to do about it. */
  text: string;
}
