// What the snippets of the docs import from the application that they change.
import pg from 'pg';

export const pool = new pg.Pool();

export const users = {
  async setMfaEnrolled(_userId: string, _enrolled: boolean): Promise<void> {},
  async checkPassword(_userId: string, _password: string): Promise<boolean> {
    return true;
  },
  async setPassword(_userId: string, _password: string): Promise<void> {},
};
