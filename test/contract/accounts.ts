/** The host's own accounts, which every integration here uses. The password check exists without the kit. */
export interface Account {
  id: string;
  email: string;
  createdAt: number;
  mfaEnrolled: boolean;
  role: 'member' | 'owner';
}

const accounts = new Map<string, Account & { password: string }>();

export function addAccount(account: Account & { password: string }): void {
  accounts.set(account.id, account);
}

export async function findAccount(id: string): Promise<Account | null> {
  return accounts.get(id) ?? null;
}

export async function checkPassword(email: string, password: string): Promise<Account | null> {
  const found = [...accounts.values()].find((one) => one.email === email);
  return found && found.password === password ? found : null;
}

export async function setMfaEnrolled(id: string, enrolled: boolean): Promise<void> {
  const account = accounts.get(id);
  if (account) account.mfaEnrolled = enrolled;
}

/** What the kit needs to know of an account. */
export function toMfaUser({ id, email, mfaEnrolled, createdAt, role }: Account) {
  return { id, name: email, enrolled: mfaEnrolled, createdAt, role };
}

export type HostUser = ReturnType<typeof toMfaUser>;
