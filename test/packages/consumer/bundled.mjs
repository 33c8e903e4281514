// Bundled by esbuild as ESM: everything from a login to a proof, with the QR code in both forms.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { createMfa, qrPngDataUrl, qrSvg } from '@mfa-kit/core';
import { memoryStorage } from '@mfa-kit/core/storage/memory';
import { createAuthenticator } from '@mfa-kit/core/testing';
import { expressMfa } from '@mfa-kit/express';

const mfa = createMfa({ issuer: 'Acme', keys: [{ id: '1', secret: randomBytes(32) }], storage: memoryStorage() });
const user = { id: 'u1', name: 'ada@acme.example' };
const { session } = await mfa.beginLogin({ user });
const { enrollment, session: started } = await mfa.startEnrollment({ user, session });
assert.match(await qrSvg(enrollment.uri), /^<svg .*<\/svg>$/s);
assert.match(await qrPngDataUrl(enrollment.uri), /^data:image\/png;base64,iVBORw0KGgo/);
const code = createAuthenticator(enrollment.uri).code(Date.now());
const confirmed = await mfa.confirmEnrollment({
  user,
  session: started,
  enrollmentId: enrollment.id,
  proof: { kind: 'totp', code },
});
assert.equal(confirmed.ok, true);

const { router, strategy } = expressMfa(mfa, {
  user: () => user,
  loginUrl: '/login',
  session: { read: () => session, write: async () => {} },
});
assert.equal(strategy.name, 'mfa');

// The page of the kit, which loads its parts lazily.
const express = (await import('express')).default;
const server = express().use('/mfa', router).listen(0, '127.0.0.1');
await new Promise((resolve) => server.once('listening', resolve));
const answer = await fetch(`http://127.0.0.1:${server.address().port}/mfa/challenge`, {
  headers: { accept: 'text/html', 'user-agent': 'Mozilla/5.0 Firefox/140.0' },
});
const page = await answer.text();
assert.match(page, /^<!doctype html>/i);
server.close();
server.closeAllConnections();
console.log(`bundle works, ${answer.status}`);
