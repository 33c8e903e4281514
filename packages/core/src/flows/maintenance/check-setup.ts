import type { MfaUser, ResolvedOptions } from '../../options.js';
import { systemClock } from '../../options.js';
import type { Profile } from '../../profile/profile.js';
import { type StoredProfile, storageNameOf } from '../../storage/storage.js';
import { countdown, withinDeadline } from '../../store/deadline.js';
import { keyIdOf, open } from '../../store/seal.js';
import { DAY } from '../../time.js';
import { type UnreadableProfile, unreadableSentence } from '../../warnings/process-warnings.js';
import { ownText } from '../../warnings/scrub.js';
import { storageFaultOf, storageHint } from '../../warnings/storage-hint.js';
import { describeError } from '../../warnings/warnings.js';
import type { FlowContext } from '../steps/flow-context.js';
import type { FindingCode, MfaFinding } from './results.js';

/** How many records to read: enough to find a missing key, but few enough for every start. */
const RECORDS = 50;
const AT_ONCE = 4;
const CALL_MS = 5_000;
const RECORDS_MS = 10_000;
/** An id that no host gives to a user. */
const PROBE = 'mfa-kit/check';

/** Returns set-up problems that would keep users out or let too much in. Never throws. */
export async function check<User extends MfaUser>({ options }: Pick<FlowContext<User>, 'options'>): Promise<MfaFinding[]> {
  const own = [...checkClock(options), ...checkMemory(options), ...checkMarkEnrolled(options)];
  try {
    const away = await checkReads(options);
    if (away) return [away, ...own];
    return [...(await checkRecords(options)), ...(await checkSettings(options)), ...own];
  } catch (cause) {
    // A storage whose getters throw is a finding too.
    return [
      { level: 'error', code: 'storage_unusable', text: `The storage could not be checked: ${describeError(cause)}` },
      ...own,
    ];
  }
}

type Options<User extends MfaUser> = ResolvedOptions<User>;

/** Reads the table once, as every guard does. */
async function checkReads<User extends MfaUser>({ storage }: Options<User>): Promise<MfaFinding | undefined> {
  const read = await withinDeadline(CALL_MS, () => storage.read(PROBE));
  if (read.done) return undefined;
  return unusable('read', read, storageNameOf(storage));
}

async function checkRecords<User extends MfaUser>(options: Options<User>): Promise<MfaFinding[]> {
  const { storage } = options;
  const listed = await withinDeadline(CALL_MS, () => storage.listUserIds());
  if (!listed.done) return [unusable('list', listed, storageNameOf(storage))];
  const given: unknown = listed.value?.userIds;
  if (!Array.isArray(given))
    return [
      error(
        'storage_unusable',
        'The method listUserIds() of the storage must return { userIds }, and cursor unless it was the last page.',
      ),
    ];
  const sampled = sampleOf(given.filter((id) => typeof id === 'string'));
  const seen = await readAll(options, sampled);
  const findings = [...seen.unreadable.values()].map(({ count, why, keyId }) => {
    const subject = `${count} of ${seen.read} stored profiles that were checked cannot be opened, so their users are answered with 503 and cannot get in`;
    return error(UNREADABLE[why], unreadableSentence({ why, keyId }, options.keyring.ids, subject));
  });
  if (seen.failure) findings.push(seen.failure);
  if (seen.aheadMs > DAY) {
    const days = Math.round(seen.aheadMs / DAY);
    const text = `A stored profile has a time that is ${days} ${days === 1 ? 'day' : 'days'} ahead of this clock. Either this clock is slow, or another process wrote it while its clock was fast. Synchronize the clocks of all servers, for example with NTP.`;
    findings.push({ level: 'warning', code: 'stored_instant_ahead', text });
  }
  return findings;
}

interface Seen {
  read: number;
  unreadable: Map<string, UnreadableProfile & { count: number }>;
  /** The latest time of a past event, which should not be ahead of this clock. */
  aheadMs: number;
  failure?: MfaFinding;
}

async function readAll<User extends MfaUser>(options: Options<User>, userIds: readonly string[]): Promise<Seen> {
  const { storage, realm, keyring } = options;
  const left = countdown(RECORDS_MS);
  const seen: Seen = { read: 0, unreadable: new Map(), aheadMs: 0 };
  const now = timeOf(options.clock);
  let taken = 0;

  function look(userId: string, stored: StoredProfile): void {
    seen.read += 1;
    const opened = open(stored.value, { realm, userId, version: stored.version }, keyring);
    if (opened.readable) {
      if (now !== undefined) seen.aheadMs = Math.max(seen.aheadMs, latestInstant(opened.profile) - now);
      return;
    }
    const keyId = keyIdOf(stored.value);
    const cause = `${opened.why} ${keyId ?? ''}`;
    const count = (seen.unreadable.get(cause)?.count ?? 0) + 1;
    seen.unreadable.set(cause, { why: opened.why, keyId, count });
  }

  async function work(): Promise<void> {
    while (taken < userIds.length && left() > 0 && !seen.failure) {
      const userId = userIds[taken++] as string;
      const read = await withinDeadline(Math.min(CALL_MS, left()), () => storage.read(userId));
      if (!read.done) seen.failure ??= unusable('read', read, storageNameOf(storage), [userId]);
      else if (isStored(read.value)) look(userId, read.value);
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return seen;
}

async function checkSettings<User extends MfaUser>({ storage }: Options<User>): Promise<MfaFinding[]> {
  const { unsafeSettings } = storage as { unsafeSettings?: unknown };
  if (typeof unsafeSettings !== 'function') return [];
  const asked = await withinDeadline(CALL_MS, async () => (await unsafeSettings.call(storage)) as unknown);
  if (!asked.done) {
    const why = asked.why === 'timeout' ? 'it did not answer in time.' : describeError(asked.cause);
    return [
      {
        level: 'warning',
        code: 'settings_unknown',
        text: `The settings of the storage could not be read, so they are unchecked: ${why}`,
      },
    ];
  }
  const sentences = Array.isArray(asked.value) ? asked.value.filter((one) => typeof one === 'string') : [];
  return sentences.map((text) => ({ level: 'warning', code: 'unsafe_setting', text: ownText(text, (said) => said) }));
}

function checkClock<User extends MfaUser>({ clock }: Options<User>): MfaFinding[] {
  let now: number;
  try {
    now = clock();
  } catch (cause) {
    return [error('clock_wrong', `No code can be checked: ${describeError(cause)}`)];
  }
  const system = systemClock();
  const apart = Math.round(Math.abs(now - system) / 1000);
  if (apart <= 60) return [];
  const side = now > system ? 'ahead of' : 'behind';
  const text =
    `The option "clock" is ${apart} seconds ${side} the clock of this server. Codes of authenticator apps are refused unless the ` +
    'option has the correct time. Leave it out, or pass () => Date.now().';
  return [{ level: 'warning', code: 'clock_apart', text }];
}

function checkMemory<User extends MfaUser>({ storage }: Options<User>): MfaFinding[] {
  if (storageNameOf(storage) !== 'memory') return [];
  const level = process.env.NODE_ENV === 'production' ? 'warning' : 'info';
  const text =
    'The storage is memoryStorage(): every restart forgets who has MFA, and processes do not share it. Use it for tests and demos only.';
  return [{ level, code: 'memory_storage', text }];
}

function checkMarkEnrolled<User extends MfaUser>({ markEnrolled }: Options<User>): MfaFinding[] {
  if (markEnrolled) return [];
  const text =
    'The option "markEnrolled" is not set, so a deleted MFA record means "no MFA": anybody with the password of that user can then set up an authenticator. ' +
    'Store the flag in your users table, and return it as "enrolled" of the user.';
  return [{ level: 'warning', code: 'mark_enrolled_missing', text }];
}

const UNREADABLE = {
  unknown_key: 'key_missing',
  tampered: 'profile_sealed_otherwise',
  unknown_format: 'profile_format_unknown',
} as const;

function unusable(
  operation: 'read' | 'list',
  failed: { why: 'timeout' | 'error'; cause?: unknown },
  adapter: string | undefined,
  values: readonly string[] = [],
): MfaFinding {
  const name = adapter === undefined ? 'The storage' : `The storage (${adapter})`;
  if (failed.why === 'timeout') {
    return error(
      'storage_away',
      `${name} did not answer a ${operation} within ${CALL_MS / 1000} seconds. ${storageHint('late', adapter)}`,
    );
  }
  const fault = storageFaultOf(failed.cause);
  const code: FindingCode =
    fault === 'no_table' ? 'table_missing' : fault && AWAY.has(fault) ? 'storage_away' : 'storage_unusable';
  return error(
    code,
    `${name} failed at a ${operation}: ${describeError(failed.cause, values)} ${storageHint(fault, adapter, failed.cause)}`,
  );
}

const AWAY: ReadonlySet<string> = new Set(['unreachable', 'late', 'not_ready', 'no_connection_left', 'pool_ended']);

function error(code: FindingCode, text: string): MfaFinding {
  return { level: 'error', code, text };
}

/** A sample spread over a page, because keys change over time and ids are often in order of time. */
function sampleOf(userIds: readonly string[]): string[] {
  if (userIds.length <= RECORDS) return [...userIds];
  return Array.from({ length: RECORDS }, (_, index) => userIds[Math.floor((index * userIds.length) / RECORDS)] as string);
}

/** The latest time of a past event in a profile. Deadlines are left out, because they may lie ahead. */
function latestInstant({ authenticators, enrollments, devices, recoveryTries, budget }: Profile): number {
  const instants: unknown[] = [
    ...authenticators.flatMap(({ createdAt, lastUsedAt }) => [createdAt, lastUsedAt]),
    ...enrollments.map(({ startedAt }) => startedAt),
    ...devices.flatMap(({ firstUsedAt, lastUsedAt }) => [firstUsedAt, lastUsedAt]),
    recoveryTries.since,
    budget.lastWrongAt,
    budget.levelAt,
  ];
  return Math.max(0, ...(instants.filter((at) => typeof at === 'number' && Number.isFinite(at)) as number[]));
}

function isStored(given: StoredProfile | null): given is StoredProfile {
  return typeof given?.version === 'string' && typeof given.value === 'string';
}

function timeOf(clock: () => number): number | undefined {
  try {
    return clock();
  } catch {
    return undefined;
  }
}
