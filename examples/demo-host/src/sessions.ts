import { createHash } from 'node:crypto';
import type { HostDatabase } from './database.js';

/** Sessions in the application's own database, for any framework's session middleware. */
export interface SessionTable {
  /** Returns the stored data, or null. */
  read(id: string): Promise<unknown>;
  /** Stores the data, unless the session has ended in the meantime. */
  write(id: string, data: unknown, expiresAt: number): Promise<void>;
  extend(id: string, expiresAt: number): Promise<void>;
  end(id: string): Promise<void>;
  /** Ends the session and returns its data, to only one of several concurrent callers. */
  take(id: string): Promise<unknown>;
}

const HOUR = 60 * 60 * 1000;

/** Opens the table of sessions. Ids are stored as digests, so that a copy of the table opens no session. */
export function openSessions(database: HostDatabase): SessionTable {
  let sweptAt = 0;
  return {
    async read(id) {
      const [row] = await database.query('SELECT data FROM demo_sessions WHERE id = ? AND ended = 0 AND expires_at > ?', [
        digest(id),
        Date.now(),
      ]);
      return row ? JSON.parse(String(row.data)) : null;
    },
    async write(id, data, expiresAt) {
      // A slow request may end after the logout of its session; the row that says "ended" keeps it ended.
      await database.query(
        `INSERT INTO demo_sessions (id, data, expires_at, ended) VALUES (?, ?, ?, 0)
         ON CONFLICT (id) DO UPDATE SET data = excluded.data, expires_at = excluded.expires_at
         WHERE demo_sessions.ended = 0`,
        [digest(id), JSON.stringify(data), expiresAt],
      );
      if (Date.now() - sweptAt < HOUR) return;
      sweptAt = Date.now();
      await database.query('DELETE FROM demo_sessions WHERE expires_at < ?', [Date.now()]);
    },
    async extend(id, expiresAt) {
      await database.query('UPDATE demo_sessions SET expires_at = ? WHERE id = ? AND ended = 0', [expiresAt, digest(id)]);
    },
    async end(id) {
      await database.query(
        `INSERT INTO demo_sessions (id, data, expires_at, ended) VALUES (?, '{}', ?, 1)
         ON CONFLICT (id) DO UPDATE SET data = excluded.data, ended = 1`,
        [digest(id), Date.now() + 24 * HOUR],
      );
    },
    async take(id) {
      const [row] = await database.query(
        'UPDATE demo_sessions SET ended = 1 WHERE id = ? AND ended = 0 AND expires_at > ? RETURNING data',
        [digest(id), Date.now()],
      );
      return row ? JSON.parse(String(row.data)) : null;
    },
  };
}

function digest(id: string): string {
  return createHash('sha256').update(id).digest('base64url');
}
