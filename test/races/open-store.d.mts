import type { MfaStorage } from '@mfa-kit/core';

export interface OpenedStore {
  /** SQL storages have a table to create. */
  storage: MfaStorage & { createTable?: () => Promise<void> };
  close(): Promise<void>;
}

/** Loads `storage/<name>` of the core that is raced. */
export type Door = (name: 'postgres' | 'mysql' | 'redis') => Promise<unknown>;

export function openStore(url: string, door: Door): Promise<OpenedStore>;
