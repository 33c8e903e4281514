/** What the walk-through needs from its caller, a person at a terminal or a test. */
export interface Walker {
  origin: string;
  username: string;
  password: string;
  /** Returns a 6-digit code. `manualKey` is set for an authenticator that was just enrolled. */
  code(manualKey: string | undefined): Promise<string>;
  say(line: string): void;
}

type Body = Record<string, unknown>;

interface Answer {
  status: number;
  body: Body;
}

/** A client with bearer tokens: a first login with enrollment, a second one with a challenge, and a third from a remembered device. */
export async function walk(walker: Walker): Promise<void> {
  const { origin, username, password, say } = walker;
  let accessToken: string | undefined;
  let refreshToken: string | undefined;
  // An empty header says that this client stores the device token itself.
  let deviceToken = '';
  let manualKey: string | undefined;

  async function send(method: string, path: string, body?: Body): Promise<Answer> {
    const headers: Record<string, string> = { 'Content-Type': 'application/json', 'MFA-Device': deviceToken };
    if (accessToken !== undefined) headers.Authorization = `Bearer ${accessToken}`;
    const response = await fetch(origin + path, { method, headers, ...(body && { body: JSON.stringify(body) }) });
    const text = await response.text();
    const answer = { status: response.status, body: text === '' ? {} : (JSON.parse(text) as Body) };
    keep(answer.body);
    say(`${method} ${path}  ->  ${response.status} ${answer.body.reason ?? answer.body.access ?? ''}`.trimEnd());
    return answer;
  }

  /** Every answer that proves something brings new tokens. */
  function keep(body: Body): void {
    if (typeof body.accessToken === 'string') accessToken = body.accessToken;
    if (typeof body.refreshToken === 'string') refreshToken = body.refreshToken;
    if (typeof body.deviceToken === 'string') deviceToken = body.deviceToken;
  }

  async function logIn(): Promise<void> {
    accessToken = undefined;
    const { status, body } = await send('POST', '/login', { username, password });
    if (status !== 200) throw new Error(`The login failed: ${String(body.detail)}`);
    const { access, pendingToken } = body;
    if (access === 'enroll') await enroll(pendingToken);
    if (access === 'challenge') await prove({ pendingToken, rememberDevice: true });
  }

  async function enroll(pendingToken: unknown): Promise<void> {
    const { body } = await send('POST', '/mfa/enroll', { pendingToken });
    manualKey = String(body.manualKey);
    say(`  Type this key into an authenticator app:  ${manualKey}`);
    const code = await walker.code(manualKey);
    const confirmed = await send('POST', '/mfa/enroll/confirm', { pendingToken, enrollmentId: body.enrollmentId, code });
    if (confirmed.status !== 200) return enroll(pendingToken);
    say(`  Keep these recovery codes:\n    ${(confirmed.body.recoveryCodes as string[]).join('\n    ')}`);
  }

  async function prove(fields: Body): Promise<void> {
    for (let tries = 0; tries < 3; tries++) {
      const { status } = await send('POST', '/mfa/verify', { ...fields, code: await walker.code(manualKey) });
      if (status === 200) return;
    }
    throw new Error('No code was right.');
  }

  say('1. The first login: a password, and the set-up where MFA is required.');
  await logIn();
  await send('GET', '/cases');
  say('2. Another login: a code is asked for, and this client is remembered for 30 days.');
  await logIn();
  say('3. And another: the device token stands in for the code.');
  await logIn();
  await send('GET', '/cases');
  say('4. Money moves only with a fresh code: a step-up, remembered or not.');
  const payout = { reference: 'LF-2041', amount: 250 };
  const refused = await send('POST', '/payouts', payout);
  if (refused.body.reason === 'challenge') {
    await prove({});
    await send('POST', '/payouts', payout);
  }
  say('5. The access token ends after 15 minutes; the refresh token brings the next.');
  await send('POST', '/token', { refreshToken });
  await send('GET', '/cases');
}
