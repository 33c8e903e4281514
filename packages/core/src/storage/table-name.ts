import { MfaError } from '../errors.js';

/**
 * Splits a table name into the schema, if there is one, and the name. It is strict, because a name cannot be a parameter: letters, digits
 * and underscores.
 */
export function tableParts(table: string): string[] {
  const part = '[A-Za-z_][A-Za-z0-9_]{0,62}';
  if (typeof table !== 'string' || !new RegExp(`^${part}(\\.${part})?$`).test(table)) {
    throw new MfaError(
      'invalid_option',
      'table must be a name of letters, digits and underscores, up to 63 of them, with an optional schema in front: auth.mfa_profiles.',
    );
  }
  return table.split('.');
}
