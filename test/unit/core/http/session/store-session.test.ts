import { type StoreSession, storeSessionPort } from '@mfa-kit/core/http';
import { describe, expect, it } from 'vitest';

const verified = { state: 'verified', assurance: { userId: 'ada' } } as never;
const pending = { state: 'pending', userId: 'ada' } as never;

let made = 0;

/** A request with a session in a store. The store fails at the calls listed in `failing`. */
function request(stored: Record<string, unknown> = {}, failing: ('regenerate' | 'save')[] = []) {
  const calls: string[] = [];
  const req = { session: open('old', stored) };

  function open(id: string, fields: object): StoreSession & Record<string, unknown> {
    const session = {
      ...fields,
      cookie: { maxAge: 60 },
    };
    // As in express-session: what belongs to the session itself is not a field of it.
    const hidden = {
      id: `${id} ${++made}`,
      regenerate: (done: (error?: unknown) => void) => {
        calls.push(`regenerate ${id}`);
        req.session = open('new', {});
        done(failing.includes('regenerate') ? 'down' : undefined);
      },
      save: (done: (error?: unknown) => void) => {
        calls.push(`save ${id}`);
        done(failing.includes('save') ? new Error('down') : null);
      },
    };
    for (const [name, value] of Object.entries(hidden)) Object.defineProperty(session, name, { value });
    return session as never;
  }

  return { req, calls, port: storeSessionPort(() => req.session) };
}

describe('the MFA state in a session store', () => {
  it('is read, written and saved under the same session id', async () => {
    const { req, calls, port } = request({ cart: 1 });
    expect(port.read()).toBeUndefined();
    await port.write(pending, { renew: false });
    expect(port.read()).toBe(pending);
    await port.write(undefined, { renew: false });
    expect(Object.keys(req.session)).not.toContain('mfa');
    expect(calls).toEqual(['save old', 'save old']);
  });

  it('SES-1: moves with all that the host stored, and the lifetime of its cookie, to a new id after a proof', async () => {
    const { req, calls, port } = request({ cart: 1, user: 'ada', mfa: pending });
    Object.assign(req.session.cookie, { maxAge: 3_600 });
    await port.write(verified, { renew: true });
    expect({ ...req.session }).toEqual({ cart: 1, user: 'ada', cookie: { maxAge: 3_600 }, mfa: verified });
    expect(calls).toEqual(['regenerate old', 'save new']);
  });

  it('SES-1: is empty under a new id for a user without MFA', async () => {
    const { req, calls, port } = request({ user: 'ada', mfa: verified });
    await port.write(undefined, { renew: true });
    expect({ ...req.session }).toStrictEqual({ user: 'ada', cookie: { maxAge: 60 } });
    expect(calls).toEqual(['regenerate old', 'save new']);
  });

  it('rejects with what the store reported, even if that is not an error', async () => {
    const { port } = request({}, ['regenerate']);
    await expect(port.write(verified, { renew: true })).rejects.toMatchObject({ cause: 'down' });
  });

  it('FLT-1: stays as before if the store does not save it', async () => {
    const { port } = request({ mfa: pending }, ['save']);
    await expect(port.write(verified, { renew: false })).rejects.toThrow('down');
    expect(port.read()).toBe(pending);
  });

  it.each(['regenerate', 'save'] as const)(
    'FLT-1: proves nothing if the store fails to %s, and the login stays pending',
    async (call) => {
      const { req, port } = request({ user: 'ada', mfa: pending }, [call]);
      await expect(port.write(verified, { renew: true })).rejects.toThrow(call === 'save' ? 'down' : 'session store failed');
      expect(port.read()).toBe(pending);
      expect(req.session.user).toBe('ada');
    },
  );

  it.each([
    ['a proof', verified],
    ['nothing', undefined],
    ['no state', 'verified'],
    ['null', null],
  ])('FLT-1: is empty after a new login that failed to renew a session that held %s', async (_name, mfa) => {
    for (const call of ['regenerate', 'save'] as const) {
      for (const next of [verified, pending]) {
        const { port } = request({ mfa }, [call]);
        await expect(port.write(next, { renew: true })).rejects.toThrow();
        expect(port.read()).toBeUndefined();
      }
    }
  });

  it('FLT-1: is empty after a new login that failed to renew a pending login', async () => {
    const { port } = request({ mfa: pending }, ['save']);
    await expect(port.write({ ...(pending as object) } as never, { renew: true })).rejects.toThrow('down');
    expect(port.read()).toBeUndefined();
  });
});
