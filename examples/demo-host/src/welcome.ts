import type { DemoHost } from './host.js';

/** The texts that differ between the examples. */
export interface Welcome {
  origin: string;
  /** The name for people. */
  framework: string;
  /** The command at the root that resets a user. */
  reset: string;
}

/** The start message: the address, the demo login, what to try. */
export async function printWelcome(host: DemoHost, { origin, framework, reset }: Welcome): Promise<void> {
  const own = await host.users.withOwnPassword();
  const lines = [
    '',
    `  Larkfield Legal, an mfa-kit demo (${framework}), is at  ${origin}`,
    '',
    '  Log in as    ada    (MFA required)',
    '               grace  (MFA optional)',
    '               alan   (MFA required, two weeks to set it up)',
    `  Password     ${host.demoPassword}`,
    ...own.map((name) => `               (${name} has set another one; "${reset} ${name}" brings this one back)`),
    '',
    '  Try          1. Log in as ada, scan the QR code with an authenticator app, type the code, keep the recovery codes.',
    '               2. Log out and in again: a code is asked for. Tick "Remember this device for 30 days".',
    '               3. Log out and in again: this browser is not asked. A private window is.',
    '               4. Release a payment: a fresh code is asked for, remembered or not.',
    `               5. Lost the phone? Use a recovery code, or "${reset} ada" in another terminal.`,
    '',
    `  Data         ${host.database.description}`,
    ...host.warnings.map((warning) => `  Warning      ${warning}`),
    '',
  ];
  console.log(lines.join('\n'));
}
