import { englishMessages } from './english.js';
import type { RefusalHeadings, RefusalTexts } from './refusals.js';

/** Every text of the pages. A function's text may put its value anywhere; names and times are marked up by the page. */
export interface Messages {
  /** Language of these texts, BCP 47. */
  lang: string;
  dir: 'ltr' | 'rtl';
  /** An instant (epoch milliseconds) as a date that nobody reads in two ways. */
  date(at: number): string;
  duration(seconds: number): string;
  pageTitle(heading: string, brand: string): string;
  errorTitle(title: string): string;
  account(name: string): string;
  support: string;
  /** The way to the host's login, on a page that says that one is needed. */
  logIn: string;
  code: {
    label: string;
    /** A hint that some browsers show beside the input. */
    format: string;
    /** What was entered cannot be a code. */
    malformed: string;
    /** Seconds until the authenticator shows the next code. */
    period(seconds: string): string;
    remember(days: number): string;
    rememberHint: string;
    /** Below a refused code. */
    clockHint: string;
    submit: string;
  };
  challenge: {
    heading: string;
    missing: string;
    expired: string;
    revoked: string;
    /** Above the prompt, after the user has revoked the device in use. */
    deviceEnded: string;
    useRecoveryCode: string;
    recoveryHeading: string;
    recoveryText: string;
    recoveryLabel: string;
    /** Stands for `refusals.invalid_code` where a recovery code was refused. */
    recoveryInvalid: string;
    useAuthenticator: string;
    waitHeading: string;
    wait(time: string): string;
    waitOver: string;
  };
  /** After a proof, on the way on. */
  done: {
    heading: string;
    /** The browser goes on by itself. */
    leading: string;
    /** A link from elsewhere asked for a page, so that a person must choose to go there. */
    choose: string;
    continue: string;
    /** `path`: marked up by the page. */
    continueTo(path: string): string;
    home(brand: string): string;
  };
  enroll: {
    heading: string;
    headingAdditional: string;
    text: string;
    scanHeading: string;
    scanHint: string;
    anyApp: string;
    qrAlt: string;
    trouble: string;
    troubleText: string;
    keyAccount: string;
    key: string;
    keyType: string;
    keyTypeValue: string;
    copyKey: string;
    confirmHeading: string;
    confirmText: string;
    expires(time: string): string;
    submit: string;
    startOver: string;
    cancel: string;
  };
  recoveryCodes: {
    heading: string;
    text: string;
    listLabel: string;
    copy: string;
    copied: string;
    /** The browser did not copy: the text is selected. */
    notCopied: string;
    download: string;
    print: string;
    /** First lines of the file and of the printed page. */
    fileHeading(brand: string): string;
    fileText: string;
    created(date: string): string;
    saved: string;
    continue: string;
  };
  /** After a login, where the codes may never have been seen because an answer was lost. */
  recoveryCodesOffer: {
    heading: string;
    text: string;
    /** What becomes of codes that the user has. */
    replaces: string;
    create: string;
    saved: string;
    later: string;
  };
  overview: {
    heading: string;
    text: string;
    back(brand: string): string;
    authenticators: string;
    noAuthenticator: string;
    kind(kind: string): string;
    added(date: string): string;
    lastUsed(date: string): string;
    neverUsed: string;
    rename: string;
    renameLabel: string;
    save: string;
    remove: string;
    removeText: string;
    removeConfirm: string;
    lastStays: string;
    add: string;
    nameLabel: string;
    addConfirm: string;
    recoveryCodes: string;
    recoveryCodesText: string;
    recoveryCodesLeft(count: number): string;
    /** Where the codes may never have been seen. */
    recoveryCodesUnsaved: string;
    recoveryCodesSaved: string;
    regenerate: string;
    regenerateText: string;
    regenerateConfirm: string;
    devices: string;
    devicesText: string;
    noDevice: string;
    currentDevice: string;
    rememberedUntil(date: string): string;
    notRemembered: string;
    revoke: string;
    /** Beside the device that this session came from. */
    revokeEndsSession: string;
    sessions: string;
    sessionsText: string;
    endSessions: string;
    endSessionsText: string;
    endSessionsConfirm: string;
  };
  refusals: RefusalTexts;
  headings: RefusalHeadings;
  successes: {
    authenticator_added: string;
    authenticator_removed: string;
    authenticator_renamed: string;
    device_revoked: string;
    recovery_codes_saved: string;
    sessions_ended: string;
    recovery_code_used(left: number): string;
  };
}

/** What a host may replace: any text, also one alone within a group. */
export type MessageOverrides = {
  [Key in keyof Messages]?: Messages[Key] extends string | ((...values: never[]) => string)
    ? Messages[Key] | undefined
    : { [Name in keyof Messages[Key]]?: Messages[Key][Name] | undefined } | undefined;
};

/** Fills up a host's texts with those of `base`. */
export function mergeMessages(overrides: MessageOverrides = {}, base: Messages = englishMessages): Messages {
  const merged: Record<string, unknown> = { ...base };
  for (const [key, value] of Object.entries(overrides)) {
    const original = merged[key];
    if (value === undefined || value === null || original === undefined) continue;
    merged[key] = isGroup(original) && isGroup(value) ? { ...original, ...dropUndefined(value) } : value;
  }
  return merged as unknown as Messages;
}

function isGroup(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function dropUndefined(group: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(group).filter(([, value]) => value !== undefined && value !== null));
}
