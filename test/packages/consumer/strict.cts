// The same in CommonJS.
import core = require('@mfa-kit/core');
import memory = require('@mfa-kit/core/storage/memory');
import kit = require('@mfa-kit/express');
import nest = require('@mfa-kit/nest');

const mfa = core.createMfa({ issuer: 'Acme', keys: [{ id: '1', secret: 'x'.repeat(64) }], storage: memory.memoryStorage() });
const user = (): core.MfaUser => ({ id: 'u1', name: 'ada' });
const { requireMfa } = kit.expressMfa(mfa, { user, loginUrl: '/login' });

export = { requireMfa, module: nest.MfaModule.forRoot({ mfa, user, loginUrl: '/login' }) };
