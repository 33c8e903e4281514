import { MfaError } from '../errors.js';
import { tableParts } from './table-name.js';

/** The argument of `new EntitySchema(...)`: the table of `schema()`. */
export interface MfaProfileEntity {
  name: string;
  tableName: string;
  schema?: string;
  /** For MySQL, where schemas are databases. */
  database?: string;
  columns: { user_id: TypeormColumn; version: TypeormColumn; value: TypeormColumn; updated_at: TypeormColumn };
}

interface TypeormColumn {
  /** The name in the database, which naming strategies keep. */
  name?: string;
  type: 'text' | 'varbinary' | 'mediumtext' | 'timestamptz' | 'datetime';
  primary?: boolean;
  length?: number;
  collation?: string;
  default?: () => string;
}

type Columns = MfaProfileEntity['columns'];

const now = () => 'CURRENT_TIMESTAMP';

const mysqlColumns: Columns = {
  user_id: { type: 'varbinary', length: 255, primary: true },
  version: { type: 'varbinary', length: 64 },
  value: { type: 'mediumtext' },
  updated_at: { type: 'datetime', default: now },
};

const columns = {
  postgres: {
    user_id: { type: 'text', collation: 'C', primary: true },
    version: { type: 'text', collation: 'C' },
    value: { type: 'text' },
    updated_at: { type: 'timestamptz', default: now },
  },
  mysql: mysqlColumns,
  mariadb: mysqlColumns,
  'better-sqlite3': {
    user_id: { type: 'text', collation: 'BINARY', primary: true },
    version: { type: 'text', collation: 'BINARY' },
    value: { type: 'text' },
    updated_at: { type: 'text', default: now },
  },
} satisfies Record<string, Columns>;

/** The name of the entity, which naming strategies receive. */
export const ENTITY_NAME = 'MfaProfile';

/** The databases that `typeormStorage` supports, as TypeORM names them. */
export type TypeormDatabase = keyof typeof columns;

/**
 * The table of the profiles for TypeORM's migrations: `entities: [new EntitySchema(mfaProfileEntity('postgres'))]`. They create the table
 * of `schema()`, and leave an existing one unchanged.
 *
 * For the schema only: mfa-kit does not use repositories, and a change through one would bypass its rules.
 */
export function mfaProfileEntity(
  database: TypeormDatabase,
  { table = 'mfa_profiles' }: { table?: string | undefined } = {},
): MfaProfileEntity {
  if (!Object.hasOwn(columns, database)) {
    throw new MfaError(
      'invalid_option',
      `mfaProfileEntity needs the type of the DataSource: ${Object.keys(columns).join(', ')}.`,
    );
  }
  const [tableName = table, schema] = tableParts(table).reverse();
  if (schema !== undefined && database === 'better-sqlite3') {
    throw new MfaError('invalid_option', 'mfaProfileEntity: on SQLite TypeORM has no schemas. Give a table without one.');
  }
  const place = schema === undefined ? {} : database === 'postgres' ? { schema } : { database: schema };
  return { name: ENTITY_NAME, tableName, ...place, columns: named(columns[database]) };
}

function named(given: Columns): Columns {
  return {
    user_id: { name: 'user_id', ...given.user_id },
    version: { name: 'version', ...given.version },
    value: { name: 'value', ...given.value },
    updated_at: { name: 'updated_at', ...given.updated_at },
  };
}
