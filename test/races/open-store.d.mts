import type { MfaStorage } from '@mfa-kit/core';

export interface OpenedStore {
  /** SQL storages have a table to create. */
  storage: MfaStorage & { createTable?: () => Promise<void> };
  close(): Promise<void>;
}

/** Loads `storage/<name>` of the core under test. */
export type LoadAdapter = (name: 'postgres' | 'mysql' | 'redis') => Promise<unknown>;

export function openStore(url: string, load: LoadAdapter): Promise<OpenedStore>;
