import type { Profile } from '../profile/profile.js';

/** The most bytes of a profile as JSON. Sealed under the longest key id it has 65,619 characters; the port takes 66,560. */
export const MAX_BYTES = 48 * 1024;
/** What is left of a name or label in a record that is too large. */
const SHORT_NAME = 16;

/**
 * The profile as JSON, within {@link MAX_BYTES}; undefined where it cannot be. One that has outgrown them by living loses devices,
 * the least recently used first, and then the ends of names. Nothing else goes: no authenticator, no closed step, no code, no budget of
 * the account, no device that has ended.
 */
export function fittingJson(profile: Profile): string | undefined {
  const whole = JSON.stringify(profile);
  if (fits(whole)) return whole;
  const byLastUse = [...profile.devices].sort((a, b) => b.lastUsedAt - a.lastUsedAt);
  // The one that was used last is most likely the one that this write is about.
  for (let count = byLastUse.length - 1; count >= 1; count--) {
    const kept = new Set(byLastUse.slice(0, count));
    const fewer = JSON.stringify({ ...profile, devices: profile.devices.filter((device) => kept.has(device)) });
    if (fits(fewer)) return fewer;
  }
  const short = JSON.stringify({
    ...profile,
    devices: byLastUse.slice(0, 1).map((device) => ({ ...device, label: shortened(device.label) })),
    authenticators: profile.authenticators.map(withShortName),
    enrollments: profile.enrollments.map(withShortName),
  });
  return fits(short) ? short : undefined;
}

function fits(json: string): boolean {
  // A UTF-16 code unit takes three bytes at most, so that most records need no count.
  return json.length <= MAX_BYTES / 3 || Buffer.byteLength(json, 'utf8') <= MAX_BYTES;
}

function withShortName<Named extends { name: string }>(named: Named): Named {
  return { ...named, name: shortened(named.name) };
}

function shortened(name: string): string {
  return Array.from(name).slice(0, SHORT_NAME).join('');
}
