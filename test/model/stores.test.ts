import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient } from '@libsql/client';
import { sqliteStorage } from '@mfa-kit/core/storage/sqlite';
import { afterAll, beforeAll, describe, it } from 'vitest';
import type { OpenedStore } from '../races/open-store.mjs';
import { ROUNDS } from '../support/proof.js';
import { describeWith } from '../support/requires.js';
import { openPlace, sharedStores } from '../support/shared-stores.js';
import { checkHistories } from './histories.js';

const name = 'STO-1, I1, I2, I3, I5, I6: random histories of two processes match the model';
const runs = Math.ceil(ROUNDS / 2);

describe('on SQLite, with a connection for each process', () => {
  const folder = mkdtempSync(join(tmpdir(), 'mfa-kit-model-'));
  const clients = Array.from({ length: 2 }, () => createClient({ url: `file:${join(folder, 'model.db')}` }));
  const storages = clients.map((client) => sqliteStorage(client));

  beforeAll(async () => {
    await clients[0]?.execute('PRAGMA journal_mode = wal');
    await storages[0]?.createTable();
  });
  afterAll(() => {
    for (const client of clients) client.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it(name, () => checkHistories(() => storages, { runs }), 600_000);
});

for (const store of sharedStores) {
  describeWith(await store.open(), `on ${store.name}, with a client for each process`, (place) => {
    const opened: OpenedStore[] = [];

    beforeAll(async () => {
      for (let process = 0; process < 2; process++) opened.push(await openPlace(place));
    });
    afterAll(async () => {
      for (const { close } of opened) await close();
      await place.drop();
    });

    it(name, () => checkHistories(() => opened.map(({ storage }) => storage), { runs }), 600_000);
  });
}
