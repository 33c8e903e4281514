import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { requireProgram } from './requires.js';

const run = promisify(execFile);

/** Returns the code of an authenticator app for a base32 key at an instant (epoch milliseconds), computed by `oathtool`. */
export async function codeAt(key: string, at: number): Promise<string> {
  const now = new Date(at).toISOString().replace('T', ' ').replace(/\..*/, ' UTC');
  const { stdout } = await run('oathtool', ['--totp', '--base32', `--now=${now}`, key.replaceAll(' ', '')]);
  return stdout.trim();
}

/** The path of `oathtool`; null if it is missing. */
export function requireOathtool(): string | null {
  return requireProgram(
    'oathtool',
    'install oathtool, which computes codes independently of this code (apt-get install oathtool)',
  );
}

/** Reads the QR code of a PNG with `zbarimg`. */
export async function readQrCode(png: Buffer): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'mfa-kit-qr-'));
  try {
    const file = join(folder, 'picture.png');
    await writeFile(file, png);
    const { stdout } = await run('zbarimg', ['--quiet', '--raw', '-Sdisable', '-Sqrcode.enable', file]);
    return stdout.trim();
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** The key in a key URI. */
export function keyOf(uri: string): string {
  return new URL(uri).searchParams.get('secret') ?? '';
}
