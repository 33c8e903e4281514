import { wordsOfFactors } from '../factors/registry.js';

/**
 * The texts of the pages in American English. They define the type of all other languages. A text that is a function may put its value
 * anywhere; the page marks up names and times.
 */
export const englishMessages = {
  ...wordsOfFactors(),
  /** Language of these texts, as a BCP 47 tag. */
  lang: 'en',
  dir: 'ltr' as 'ltr' | 'rtl',
  /** Formats an instant (epoch milliseconds) as an unambiguous date. */
  date: (at: number) => formatDate(at),
  duration: (seconds: number) => formatDuration(seconds),
  pageTitle: (heading: string, brand: string) => `${heading} · ${brand}`,
  errorTitle: (title: string) => `Error: ${title}`,
  account: (name: string) => `Account ${name}`,
  support: 'Contact support',
  /** The link to the host's login, on a page that says that a login is needed. */
  logIn: 'Log in',
  code: {
    label: '6-digit code',
    /** A hint that some browsers show next to the input. */
    format: 'The 6 digits that your authenticator app shows, such as 123 456',
    /** For an input that cannot be a code. */
    malformed: 'Enter exactly 6 digits, 0 to 9, as your authenticator app shows them.',
    /** Seconds until the authenticator shows the next code. */
    period: (seconds: string) => `New code in ${seconds} s`,
    remember: (days: number) => `Remember this device for ${count(days, 'day')}`,
    rememberHint: 'Leave this off on a shared computer.',
    /** Below a refused code. */
    clockHint: 'Still not working? Let your phone set its time automatically.',
    submit: 'Continue',
  },
  challenge: {
    heading: 'Enter your code',
    missing: 'Open your authenticator app and enter the code it shows for this account.',
    expired: 'To go on, confirm that it is you with a fresh code from your authenticator app.',
    revoked: 'The security settings of your account have changed. Enter a code from your authenticator app again.',
    /** Above the prompt, after the user has revoked the device in use. */
    deviceEnded: 'This device’s access was ended. Enter a code to continue.',
    useRecoveryCode: 'Use a recovery code',
    recoveryHeading: 'Use a recovery code',
    recoveryText: 'Enter one of the codes you saved when you set up your authenticator. Each code works once.',
    recoveryLabel: 'Recovery code',
    /** Replaces `refusals.invalid_code` if a recovery code was refused. */
    recoveryInvalid: 'That recovery code did not work. Check each character, or use another code.',
    useAuthenticator: 'Use your authenticator app',
    waitHeading: 'Too many wrong codes',
    wait: (time: string) => `Try again in ${time}.`,
    waitOver: 'You can enter a code now.',
  },
  /** After a proof, on the way to the requested page. */
  done: {
    heading: 'All set',
    /** The browser continues by itself. */
    leading: 'We are taking you on. If nothing happens, use the button.',
    /** A link from elsewhere asked for a page, so the person must choose to go there. */
    choose: 'You asked for the page below. Go on only if you meant to open it.',
    continue: 'Continue',
    continueTo: (path: string) => `Continue to ${path}`,
    home: (brand: string) => `Go to ${brand}`,
  },
  enroll: {
    heading: 'Set up your authenticator',
    headingAdditional: 'Add an authenticator',
    text: 'From now on you log in with your password and a code from an app on your phone.',
    scanHeading: 'Scan the QR code',
    scanHint: 'Open an authenticator app and scan with it, not with your phone’s camera.',
    anyApp: 'Any app works: Authy, Google Authenticator, Microsoft Authenticator, 1Password.',
    qrAlt: 'QR code with the key for your authenticator app',
    trouble: 'Trouble scanning?',
    troubleText: 'In your app, choose to enter a key by hand. Then type this:',
    keyAccount: 'Account',
    key: 'Key',
    keyType: 'Type',
    keyTypeValue: 'Time-based',
    copyKey: 'Copy key',
    confirmHeading: 'Enter the code',
    confirmText: 'The app now shows a 6-digit code. It changes every 30 seconds.',
    expires: (time: string) => `Finish within ${time}. After that, you need a new QR code.`,
    submit: 'Finish set-up',
    startOver: 'Get a new QR code',
    cancel: 'Cancel',
  },
  recoveryCodes: {
    heading: 'Save your recovery codes',
    text: 'If you lose your phone, one of these codes lets you log in. Each works once. You will not see them again.',
    listLabel: 'Recovery codes',
    copy: 'Copy',
    copied: 'Copied',
    /** The browser did not copy, so the text is selected. */
    notCopied: 'Your browser refused to copy. The text is selected now, so that you can copy it yourself.',
    download: 'Download',
    print: 'Print',
    /** First lines of the file and of the printed page. */
    fileHeading: (brand: string) => `${brand} recovery codes`,
    fileText: 'Each code works once. Keep them where only you can get at them.',
    created: (date: string) => `Created ${date}`,
    saved: 'I have saved them',
    continue: 'Continue',
  },
  /** After a login, if the user may never have seen the codes because an answer was lost. */
  recoveryCodesOffer: {
    heading: 'Did you save your recovery codes?',
    text: 'The page with your recovery codes may not have reached you. Without them, you cannot log in if you lose your phone.',
    /** What happens to the codes that the user has. */
    replaces: 'If you create new codes, the ones you may have stop working.',
    create: 'Show new codes',
    saved: 'I have saved them',
    later: 'Not now',
  },
  overview: {
    heading: 'Multi-factor authentication',
    text: 'How you prove that it is you, beyond your password.',
    back: (brand: string) => `Back to ${brand}`,
    authenticators: 'Authenticators',
    noAuthenticator: 'No authenticator is set up yet.',
    kind: (kind: string) => (kind === 'totp' ? 'Authenticator app' : kind),
    added: (date: string) => `Added ${date}`,
    lastUsed: (date: string) => `Last used ${date}`,
    neverUsed: 'Never used',
    rename: 'Rename',
    renameLabel: 'New name',
    save: 'Save',
    remove: 'Remove',
    removeText: 'Its codes stop working at once, and remembered devices are asked for a code again.',
    removeConfirm: 'Yes, remove it',
    lastStays: 'Your account requires MFA, so its last authenticator cannot be removed. To replace it, add another first.',
    add: 'Add authenticator',
    nameLabel: 'Name (optional)',
    addConfirm: 'Show QR code',
    recoveryCodes: 'Recovery codes',
    recoveryCodesText: 'For the day you are without your authenticator.',
    recoveryCodesLeft: (left: number) => (left === 0 ? 'No codes left' : `${count(left, 'code')} left`),
    /** If the user may never have seen the codes. */
    recoveryCodesUnsaved: 'You may not have seen these codes. If you have not saved them, create new ones.',
    recoveryCodesSaved: 'I have saved them',
    regenerate: 'Create new codes',
    regenerateText: 'All codes you have saved so far stop working.',
    regenerateConfirm: 'Yes, create new codes',
    devices: 'Devices',
    devicesText: 'Browsers that have proven a code. Revoke any that you do not know or no longer use: its sessions end at once.',
    noDevice: 'No device is known yet.',
    currentDevice: 'This device',
    rememberedUntil: (date: string) => `Remembered until ${date}`,
    notRemembered: 'Asked at every login',
    revoke: 'Revoke',
    /** Next to the device that this session came from. */
    revokeEndsSession: 'You logged in from this device. If you revoke it, this session ends, and you need a code to go on.',
    sessions: 'Sessions',
    sessionsText: 'Lost a device, or saw something odd? End everything but this session.',
    endSessions: 'End all other sessions',
    endSessionsText: 'Every other session must log in again, and no device is remembered any longer.',
    endSessionsConfirm: 'Yes, end them',
  },
  /** For each refusal: what happened and what to do now. */
  refusals: {
    invalid_code: 'That code did not work. Wait for the next code in your app, then enter it here.',
    throttled: (seconds: number) => `Too many wrong codes. Try again in ${formatDuration(seconds)}.`,
    enrollment_expired: 'This set-up took too long and has expired. Start again with a new QR code.',
    recovery_codes_outdated: 'Those recovery codes no longer work. Use the ones you created last, or create new codes.',
    already_confirmed: 'This authenticator is already set up. There is nothing left to do.',
    assurance_required: 'Enter a fresh code first. Changes to your account need a recent one.',
    pending_token_invalid: 'This login has expired or was already used. Log in again.',
    login_again: 'Your login is too old for this step. Log in again.',
    not_enrolled: 'Your account has no authenticator yet. Set one up first.',
    not_allowed: 'Your account is not allowed to do this. Ask your administrator or support.',
    limit_reached: 'You have reached the limit. Remove an authenticator that you no longer use, or try again later.',
    profile_missing: 'We cannot find the MFA settings of your account. Contact support to set them up again.',
    busy: 'Another change to your account was being made at the same moment. Try again.',
    unavailable: 'We cannot check codes right now. Try again in a minute.',
    session_lost: 'Your session has ended. Log in again, and allow cookies for this site.',
    not_found: 'It may have been removed already, or the address is wrong.',
    cross_site: 'The request came from another website, so it was refused. Open the page here and try again.',
    bad_request: 'The request could not be read. Go back, reload the page and try again.',
  },
  /** For each refusal: the heading of a page that shows nothing else. */
  headings: {
    invalid_code: 'That code did not work',
    throttled: 'Too many wrong codes',
    enrollment_expired: 'Set-up expired',
    recovery_codes_outdated: 'These codes no longer work',
    already_confirmed: 'Already set up',
    assurance_required: 'A fresh code is needed',
    pending_token_invalid: 'Log in again',
    login_again: 'Log in again',
    not_enrolled: 'No authenticator yet',
    not_allowed: 'Not allowed',
    limit_reached: 'Limit reached',
    profile_missing: 'MFA settings not found',
    busy: 'Please try again',
    unavailable: 'Temporarily unavailable',
    session_lost: 'Your session has ended',
    not_found: 'Not found',
    cross_site: 'Request refused',
    bad_request: 'Request not understood',
  },
  successes: {
    authenticator_added: 'Authenticator added.',
    authenticator_removed: 'Authenticator removed.',
    authenticator_renamed: 'Name saved.',
    device_revoked: 'Device revoked. It is asked for a code at its next login.',
    recovery_codes_saved: 'Good. You will not be asked about these codes again.',
    sessions_ended: 'All other sessions have ended.',
    recovery_code_used: (left: number) =>
      `You used a recovery code. ${left === 0 ? 'None is' : `${left} ${left === 1 ? 'is' : 'are'}`} left.`,
  },
};

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

function formatDate(at: number): string {
  const date = new Date(at);
  return `${date.getUTCDate()} ${MONTHS[date.getUTCMonth()]} ${date.getUTCFullYear()}`;
}

function formatDuration(seconds: number): string {
  const [hours, minutes, rest] = [Math.floor(seconds / 3600), Math.floor((seconds % 3600) / 60), seconds % 60];
  const parts = [hours > 0 && count(hours, 'hour'), minutes > 0 && count(minutes, 'minute'), rest > 0 && count(rest, 'second')];
  return parts.filter(Boolean).slice(0, 2).join(' ') || count(0, 'second');
}

function count(amount: number, unit: string): string {
  return `${amount} ${unit}${amount === 1 ? '' : 's'}`;
}
