import { MfaError } from '../errors.js';
import { type MysqlConnectionLike, mysqlQuery } from './mysql.js';
import { type PgPoolLike, pgPoolQuery } from './postgres.js';
import { type SqlQuery, type SqlStorage, sqlStorage } from './sql.js';
import type { SqlDialectName } from './sql-dialect.js';
import { type SyncSqliteLike, syncSqliteQuery } from './sqlite.js';
import type { TypeormDatabase } from './typeorm-entity.js';
import { expectMadeAs, type NamingStrategyLike, tableMadeBy } from './typeorm-names.js';

export { type MfaProfileEntity, mfaProfileEntity, type TypeormDatabase } from './typeorm-entity.js';

/** The part of a TypeORM DataSource that is used: its driver's pool or connection to the primary. */
export interface DataSourceLike {
  readonly isInitialized: boolean;
  readonly options: { readonly type: string };
  readonly driver: object;
  readonly namingStrategy?: NamingStrategyLike | undefined;
}

export interface TypeormStorageOptions {
  /**
   * Name of the table, as passed to `mfaProfileEntity`, with a schema if needed. Default `mfa_profiles`. Follows the DataSource's
   * `entityPrefix`, `schema` and `namingStrategy`.
   */
  table?: string | undefined;
  /** PostgreSQL: set to false behind a pooler that cannot keep prepared statements. Default true. */
  prepareStatements?: boolean | undefined;
}

/**
 * Profiles through a TypeORM DataSource on PostgreSQL (pg), MySQL or MariaDB (mysql2), or SQLite (better-sqlite3).
 *
 * Each statement uses a connection of the DataSource's own pool (the primary's, if there are replicas) and commits by itself. It never uses
 * the connection of a QueryRunner, where a rollback would undo what core has answered. So TypeORM's logger and subscribers do not see the
 * statements. On SQLite TypeORM has one connection: while one of your transactions is open on it, calls throw.
 *
 * Durability depends on the database; `unsafeSettings()` reports problems. The DataSource may be initialized later.
 */
export function typeormStorage(dataSource: DataSourceLike, options: TypeormStorageOptions = {}): SqlStorage {
  const { table = 'mfa_profiles', prepareStatements = true } = options;
  const type = dataSource?.options?.type as TypeormDatabase;
  if (!Object.hasOwn(kinds, type) || typeof dataSource.driver !== 'object') {
    throw new MfaError(
      'invalid_option',
      `typeormStorage needs a TypeORM DataSource of the type ${Object.keys(kinds).join(', ')}. For another use sqlStorage({ dialect, query }).`,
    );
  }
  const { dialect, connectionOf, queryOver } = kinds[type];
  const made = tableMadeBy(dataSource, table);
  let opened: { connection: object; query: SqlQuery } | undefined;

  const query: SqlQuery = async (...call) => {
    if (!dataSource.isInitialized) {
      throw new MfaError('host_setup', 'typeormStorage: the DataSource is not initialized. Await dataSource.initialize() first.');
    }
    // A DataSource that was destroyed and initialized again has another pool.
    const connection = connectionOf(dataSource.driver);
    if (opened?.connection !== connection) {
      expectMadeAs(dataSource, table, made);
      opened = { connection, query: queryOver(connection, prepareStatements) };
    }
    return opened.query(...call);
  };
  return sqlStorage({ dialect, query, table: made });
}

/** What TypeORM's drivers expose. */
interface Driver {
  /** PostgreSQL: the pool of the primary. */
  master: PgPoolLike;
  /** MySQL: from the pool or, if there are replicas, from the primary's part of the cluster. */
  obtainMasterConnection(): Promise<{ promise(): MysqlConnectionLike }>;
  /** SQLite: the one connection, which the application also uses. */
  databaseConnection: SyncSqliteLike;
}

interface Kind {
  dialect: SqlDialectName;
  connectionOf(driver: object): object;
  queryOver(connection: object, prepareStatements: boolean): SqlQuery;
}

const mysqlKind: Kind = {
  dialect: 'mysql',
  connectionOf: (driver) => driver,
  queryOver: (driver) => mysqlQuery(async () => (await (driver as Driver).obtainMasterConnection()).promise()),
};

const kinds: Record<TypeormDatabase, Kind> = {
  postgres: {
    dialect: 'postgres',
    connectionOf: (driver) => (driver as Driver).master,
    queryOver: (pool, prepareStatements) => pgPoolQuery(pool as PgPoolLike, prepareStatements),
  },
  mysql: mysqlKind,
  mariadb: mysqlKind,
  'better-sqlite3': {
    dialect: 'sqlite',
    connectionOf: (driver) => (driver as Driver).databaseConnection,
    queryOver: (connection) => syncSqliteQuery(connection as SyncSqliteLike),
  },
};
