import { afterEach, describe, expect, it, vi } from 'vitest';
import { type Client, enroll, logIn } from '../express/client.js';
import { KEY, OTHER_KEY } from '../support/core-fixture.js';
import { openSqlTables, SQL_TABLES, type SqlTables } from '../support/sql-tables.js';
import { watchWarnings } from '../support/warnings.js';
import { type Host, platforms, startHost } from './host.js';

const warnings = watchWarnings();
const opened: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of opened.splice(0).reverse()) await one.close();
});

async function start(given: Parameters<typeof startHost>[0]): Promise<Host> {
  const host = await startHost(given);
  opened.push(host);
  return host;
}

/** Access is denied, and the answer does not reveal the cause. */
async function expectDenied(client: Client): Promise<void> {
  for (const answer of [await client.get('/cases'), await client.post('/mfa/enroll', {}), await client.get('/mfa')]) {
    expect(answer.body).toMatchObject({ status: 503, reason: 'unavailable' });
    expect(answer.text).not.toMatch(/mfa_profiles|relation|table|key|SQLITE|ECONN/);
  }
}

const expectWarning = async (sentence: string): Promise<string> => {
  await vi.waitFor(() => expect(warnings.join('\n')).toContain(sentence));
  expect(warnings.join('\n')).not.toMatch(/user-ada|ada@example|postgres:postgres/);
  return warnings.join('\n');
};

describe.each(platforms)('SES-4, F37: a storage that fails denies and says why, on $platform', (given) => {
  describe.each(SQL_TABLES)('on %s', (name) => {
    async function open(): Promise<SqlTables | null> {
      const tables = await openSqlTables(name);
      if (tables) opened.push(tables);
      return tables;
    }

    it('F37: the table does not exist', async () => {
      const tables = await open();
      if (!tables) return;
      const host = await start({ ...given, mfa: { storage: tables.storage } });
      const client = await logIn(host);
      await expectDenied(client);
      const text = await expectWarning('The table does not exist. Create the table');
      expect(text).toContain(
        `MFA_KIT_STORAGE_FAILED: The MFA storage (${name === 'SQLite' ? 'sqlite' : 'postgres'}), operation "read", failed:`,
      );
      expect(text).toContain(
        `put schema('${name === 'SQLite' ? 'sqlite' : 'postgres'}') of "@mfa-kit/core/storage/sql" into a migration`,
      );
      expect(warnings).toHaveLength(1);

      await tables.storage.createTable();
      await enroll(host);
    });

    it('F37: the key was changed', async () => {
      const tables = await open();
      if (!tables) return;
      await tables.storage.createTable();
      await enroll(await start({ ...given, mfa: { storage: tables.storage } }));
      const changed = await start({ ...given, mfa: { storage: tables.storage, keys: [OTHER_KEY] } });
      await expectDenied(await logIn(changed));
      const text = await expectWarning(`it was sealed with the key "${KEY.id}", and "keys" has "${OTHER_KEY.id}"`);
      expect(text).toContain('MFA_KIT_PROFILE_UNREADABLE');
      const sameId = await start({
        ...given,
        mfa: { storage: tables.storage, keys: [{ id: KEY.id, secret: OTHER_KEY.secret }] },
      });
      await expectDenied(await logIn(sameId));
      await expectWarning('the secret of that key was changed');

      const both = await start({ ...given, mfa: { storage: tables.storage, keys: [OTHER_KEY, KEY] } });
      expect((await logIn(both).then((client) => client.get('/cases'))).body).toMatchObject({ status: 401, reason: 'challenge' });
    });

    it('F37: the database is unreachable', async () => {
      const tables = await open();
      if (!tables) return;
      const host = await start({ ...given, mfa: { storage: await tables.away() } });
      await expectDenied(await logIn(host));
      const text = await expectWarning(name === 'SQLite' ? 'The pool or client was closed' : 'The database cannot be reached');
      expect(text).toContain('MFA_KIT_STORAGE_FAILED');
    });
  });
});
