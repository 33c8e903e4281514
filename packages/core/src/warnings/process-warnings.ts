/** Every code of a process warning of core and of the packages for frameworks, with the facts that its sentence takes. */
export interface WarningFacts {
  /** `error`: describes what it threw; undefined: it did not answer. */
  MFA_KIT_CALLBACK_FAILED: [option: string, error: string | undefined];
  MFA_KIT_CROSS_SITE: [refused: 'change' | 'secret' | 'socket'];
  MFA_KIT_ENROLLED_NEVER_GIVEN: [];
  MFA_KIT_ENROLLED_NOT_BOOLEAN: [];
  MFA_KIT_GUARDED_LOGIN: [path: string];
  /** `mount`: how to mount the middleware; undefined: the application called `beginLogin()` itself. */
  MFA_KIT_LATE_LOGIN: [mount: string | undefined];
  MFA_KIT_LOGGED_IN_AHEAD: [];
  MFA_KIT_LOST_USER: [];
  MFA_KIT_NO_ANSWER: [];
  /** `stored`: what the session held instead of the MFA state of its user. */
  MFA_KIT_NO_BEGIN_LOGIN: [stored: 'nothing' | 'other_user' | 'foreign'];
  MFA_KIT_NO_ROUTER: [path: string];
  MFA_KIT_NO_USER_BY_ID: [];
  /** `keyId`: the key that the profile names. */
  MFA_KIT_PROFILE_UNREADABLE: [
    profile: { why: 'unknown_key' | 'unknown_format' | 'tampered'; keyId?: string | undefined },
    keyIds: readonly string[],
  ];
  MFA_KIT_SESSION_REVIVED: [];
  MFA_KIT_SESSION_STORE: [error: string];
  /** `adapter`: its name, if it has one. `error`: describes what the driver threw; undefined: it did not answer. `hint`: what to do. */
  MFA_KIT_STORAGE_FAILED: [
    failed: {
      adapter: string | undefined;
      operation: 'read' | 'write' | 'remove' | 'list';
      error: string | undefined;
      hint: string;
    },
  ];
  MFA_KIT_UNREAD_TOKEN: [];
  /** `doubt`: why the key may be guessed. */
  MFA_KIT_WEAK_KEY: [id: string, doubt: string];
}

/** The code of a process warning. */
export type WarningCode = keyof WarningFacts;

/** How a stored profile does not open. */
export type UnreadableProfile = WarningFacts['MFA_KIT_PROFILE_UNREADABLE'][0];

/**
 * The sentences of the process warnings. Code that warns takes them from here, and so does docs/reference/set-up-problems.md.
 *
 * `MFA_KIT_UNSAFE_STORAGE` is not among them: adapters are loaded without the rest of core, and Redis describes its own settings.
 */
export const WARNING_SENTENCES: { readonly [Code in WarningCode]: (...facts: WarningFacts[Code]) => string } = {
  MFA_KIT_CALLBACK_FAILED: (option, error) => {
    const what = error === undefined ? 'did not answer in time.' : `threw ${error}`;
    return `The option "${option}" ${what} ${CONSEQUENCES[option] ?? ANY_OTHER} Fix the function that you passed as "${option}".`;
  },
  MFA_KIT_CROSS_SITE: (refused) => CROSS_SITE[refused],
  MFA_KIT_ENROLLED_NEVER_GIVEN: () =>
    'The option "markEnrolled" is set, but an enrolled user logged in without "enrolled", so a deleted MFA record would look like a ' +
    'user who never enrolled. Return what markEnrolled has stored: { id, name, enrolled: Boolean(row.mfa_enrolled) }.',
  MFA_KIT_ENROLLED_NOT_BOOLEAN: () =>
    'The "enrolled" of the user is neither true nor false, so every request of that user fails. Databases such as MySQL and ' +
    'SQLite return 1 and 0 for a boolean column. Write enrolled: Boolean(row.mfa_enrolled).',
  MFA_KIT_GUARDED_LOGIN: (path) =>
    `The guard refused ${path}, where it redirects refused requests, so nobody can log in. Leave it open: use requireMfaExcept([...]) ` +
    'instead of requireMfa() for the whole application, or in Nest @SkipMfa() on the login.',
  MFA_KIT_LATE_LOGIN: (mount) =>
    mount === undefined
      ? 'The answer to a login was sent before beginLogin() had finished, so the browser has lost its session. Write "await" before ' +
        'both, as in "await (await mfaFor(req, res)).beginLogin()", and answer afterwards.'
      : `The login was answered before beginLogin called next(), so the browser has lost its session. ${mount} Mount it before the handler that answers.`,
  MFA_KIT_LOGGED_IN_AHEAD: () =>
    'The "loggedInAt" of a login lies more than 5 minutes ahead of the clock, so it counts as not known, and a first enrollment asks for ' +
    'a new login. Give the instant at which the password was right, not the end of the session, and set the clocks of all servers by NTP.',
  MFA_KIT_LOST_USER: () =>
    'The guard found a session with MFA state, but the option user returned nobody. Mount the guard after the middleware that sets the ' +
    'user, for example passport.session(). In Nest provide MfaGuard after the guard that logs in. A logout should end the session.',
  MFA_KIT_NO_ANSWER: () =>
    'A refused request was not answered before its client disconnected. Answer it in onRefused, call next(error), or omit ' +
    'onRefused.',
  MFA_KIT_NO_BEGIN_LOGIN: (stored) => `${NO_STATE[stored]} ${CALL_BEGIN_LOGIN}`,
  MFA_KIT_NO_ROUTER: (path) =>
    `Refused requests are redirected to pages below ${path}, but nothing answers there, so nobody can log in. Write app.use('${path}', router).`,
  MFA_KIT_NO_USER_BY_ID: () =>
    'A client without a session uses a pending token, but the option userById is missing, so every such token is refused with 401. ' +
    'Set userById: (id) => the user with this id, or null. A client with a session needs no pending token.',
  MFA_KIT_PROFILE_UNREADABLE: (profile, keyIds) =>
    unreadableSentence(
      profile,
      keyIds,
      'A stored MFA profile cannot be opened, so its user is answered with 503 and cannot get in',
    ),
  MFA_KIT_SESSION_REVIVED: () =>
    'A session was used after its id was renewed, so its MFA state does not count. A slow request saved it again in the ' +
    'meantime. Set resave: false, call req.session.save() before slow work in routes that change the session, and use a session store ' +
    'that does not store an id again that it has destroyed.',
  MFA_KIT_SESSION_STORE: (error) =>
    `The session store did not take the MFA state (${error}); the request was answered as unavailable.`,
  MFA_KIT_STORAGE_FAILED: ({ adapter, operation, error, hint }) => {
    const storage = adapter === undefined ? 'The MFA storage' : `The MFA storage (${adapter})`;
    const what = error === undefined ? 'did not answer in time.' : `failed: ${error}`;
    return `${storage}, operation "${operation}", ${what} Until this is fixed, such requests are answered with 503 and denied. ${hint}`;
  },
  MFA_KIT_UNREAD_TOKEN: () =>
    'A request with a bearer token came to an endpoint of the kit, but the option user returned nobody. Run the code that reads the ' +
    'token for the path of the kit as well. In Nest, a guard that returns early for @Public() must still set the user if there is a ' +
    'token. If clients only send expired tokens there, ignore this.',
  MFA_KIT_WEAK_KEY: (id, doubt) =>
    `The key "${id}" ${doubt}, so anyone who guesses it can read every profile that it sealed. It no longer seals new data. Call mfa.rotateKeys() to ` +
    'seal everything with the first key, and then remove it.',
};

/** Writes the sentence of a warning. */
export function warningSentence<Code extends WarningCode>(code: Code, ...facts: WarningFacts[Code]): string {
  return WARNING_SENTENCES[code](...facts);
}

/** What the host loses while one of its functions fails. */
export const CONSEQUENCES: Readonly<Record<string, string>> = {
  policy: 'Requests for which it fails are denied.',
  user: 'Requests for which it fails are denied.',
  userById: 'Requests for which it fails are denied.',
  assurance: 'Requests for which it fails are denied.',
  markEnrolled: 'Your own record of who is enrolled may be wrong until the next login, when it is called again.',
  notify: 'A user was not notified of a change to the account.',
  onEvent: 'An event is missing from your audit trail.',
};
const ANY_OTHER = 'The request is denied.';

const CROSS_SITE = {
  change:
    'A state change was refused because neither Sec-Fetch-Site nor Origin shows that it came from a page of this origin. Add the ' +
    'origins of your other pages to the option allowedOrigins. Otherwise it was a cross-site request, and refusing it was right.',
  secret:
    'A page of another origin requested an answer that holds a secret, such as the key of an enrollment, and was refused. If that is ' +
    'one of your pages, add its origin to the option allowedOrigins.',
  socket:
    'A socket was refused because its Origin does not match the Host header. If one of your pages opened it, add the origin ' +
    'of that page to the option allowedOrigins; behind a proxy that changes Host, add your own origin as well. Otherwise it was a ' +
    'cross-site request, and refusing it was right.',
};

const NO_STATE = {
  nothing:
    'A session had no MFA state of its user at its first guarded request. Either your login does not call beginLogin, or the session is ' +
    'older than this deployment, the storage was down at its login, or the session store lost what was saved ' +
    '(docs/guides/deploy-day.md). In the first case, change your login.',
  other_user:
    'A session had the MFA state of another user than the one that the option user returns, so it had no MFA state of its user. The ' +
    'option user must return the user who logged in, even during impersonation.',
  foreign:
    'A session held something else where its MFA state belongs, so it had no MFA state of its user. If your application uses ' +
    'req.session.mfa itself, rename that field, or keep the state elsewhere with the option session: { read, write }.',
};

const CALL_BEGIN_LOGIN =
  "Begin the login right after the password check, when req.logIn() has renewed the session, for the user that the option user returns: in Express app.post('/login', passport.authenticate('local'), beginLogin, ...), without successRedirect, because it answers before beginLogin runs; in Nest \"await (await mfaHttp.for(request, reply)).beginLogin()\".";

/** Says why stored profiles do not open, and what to do, for a warning or a finding. `closed`: the beginning of the sentence. */
export function unreadableSentence({ why, keyId }: UnreadableProfile, keyIds: readonly string[], closed: string): string {
  const ring = `"keys" has ${keyIds.map((id) => `"${id}"`).join(', ')}`;
  const second = "when a key is changed, the old one must stay as the second: keys: [{ id: 'new', ... }, { id: 'old', ... }]";
  switch (why) {
    case 'unknown_key':
      return `${closed}: it was sealed with the key "${keyId ?? '?'}", and ${ring}. Add that key to "keys" again; ${second}.`;
    case 'tampered':
      return `${closed}: ${ring}, and the profile names "${keyId ?? '?'}" but does not open with it. Either the secret of that key was changed (put the old secret back under its id, and use a new id for a new secret; ${second}), or "realm" was renamed, or somebody changed or moved the row.`;
    case 'unknown_format':
      return `${closed}: it has a format that this version does not know. Either a newer version of mfa-kit wrote it, or something else wrote to the table.`;
  }
}
