import { codeAt } from './authenticator.js';
import { type DemoApp, STEP } from './demo-app.js';
import type { ScriptedAnswer, ScriptedClient } from './scripted-client.js';

/** An authenticator app with the key of an enrollment. */
export interface EnrolledApp {
  /** The key in base32. */
  key: string;
  uri: string;
  recoveryCodes: string[];
  /** Advances the clock to the next period, because the current code may be used, and returns the code. */
  nextCode(): Promise<string>;
}

/** `POST /login` with the demo password. */
export function logIn(client: ScriptedClient, app: Pick<DemoApp, 'password'>, username: string): Promise<ScriptedAnswer> {
  return client.post('/login', { username, password: app.password });
}

/** Logs in and enrolls a first authenticator. */
export async function logInAndEnroll(client: ScriptedClient, app: DemoApp, username: string): Promise<EnrolledApp> {
  expectStatus(await logIn(client, app, username), 200);
  const started = expectStatus(await client.post('/mfa/enroll'), 201);
  const key = String(started.body.manualKey).replaceAll(' ', '');
  const code = await codeAt(key, app.now());
  const confirmed = expectStatus(
    await client.post('/mfa/enroll/confirm', { enrollmentId: started.body.enrollmentId, code }),
    200,
  );
  return {
    key,
    uri: String(started.body.uri),
    recoveryCodes: confirmed.body.recoveryCodes as string[],
    nextCode() {
      app.advance(STEP);
      return codeAt(key, app.now());
    },
  };
}

/** Fails with the body in the message if the status is different. */
export function expectStatus(answer: ScriptedAnswer, status: number): ScriptedAnswer {
  if (answer.status !== status) throw new Error(`Expected ${status}, got ${answer.status}: ${answer.text.slice(0, 300)}`);
  return answer;
}
