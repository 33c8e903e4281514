import { chainOf, codeOf, fieldOf, messageOf, nameOf, sqlStateOf } from './error-facts.js';

/** The usual reasons for which a storage fails. */
export type StorageFault =
  | 'no_table'
  | 'other_table'
  | 'no_database'
  | 'not_permitted'
  | 'login_refused'
  | 'unreachable'
  | 'no_connection_left'
  | 'pool_ended'
  | 'entity_unknown'
  | 'read_only'
  | 'full'
  | 'locked'
  | 'too_long'
  | 'throttled'
  | 'not_ready'
  | 'tls'
  | 'late';

/** Finds the usual reason for what the driver threw; undefined if it is none of them. */
export function storageFaultOf(thrown: unknown): StorageFault | undefined {
  const chain = chainOf(thrown);
  const said = chain
    .flatMap((one) => [codeOf(one), sqlStateOf(one), textOf(fieldOf(one, 'errno')), nameOf(one), messageOf(one).slice(0, 2_000)])
    .filter((one) => one !== undefined)
    .join('\n');
  return FAULTS.find(([, pattern]) => pattern.test(said))?.[0];
}

/** Says what to do about it, for the storage of this name. */
export function storageHint(fault: StorageFault | undefined, adapter: string | undefined, thrown?: unknown): string {
  if (fault === undefined) return 'Check that the database runs, that this process may use it, and that the table exists.';
  if (fault !== 'no_table') return HINTS[fault];
  const dialect = adapter ?? dialectOf(thrown);
  if (dialect === 'dynamodb') {
    return 'The table does not exist in this region and account. Create it from tableDefinition() of "@mfa-kit/core/storage/dynamodb", or call await storage.createTable() in development.';
  }
  const name = dialect === 'mysql' || dialect === 'sqlite' || dialect === 'postgres' ? `'${dialect}'` : 'dialect';
  return `The table does not exist. Create the table: put schema(${name}) of "@mfa-kit/core/storage/sql" into a migration, or call await storage.createTable() in development. If it has another name or schema, set the option "table" of the storage.`;
}

/** In this order: the first match wins. */
const FAULTS: readonly (readonly [StorageFault, RegExp])[] = [
  [
    'no_table',
    /^(42P01|42S02|1146|ER_NO_SUCH_TABLE|P2021|ResourceNotFoundException)$|no such table|relation .* does not exist|table .* doesn'?t exist|non-existent table/im,
  ],
  ['other_table', /^(42703|42S22|1054|ER_BAD_FIELD_ERROR|P2022)$|no such column|has no column named|column .* does not exist/im],
  ['no_database', /^(3D000|3F000|1049|ER_BAD_DB_ERROR|P1003)$|unknown database|database .* does not exist/im],
  ['entity_unknown', /EntityMetadataNotFound|No metadata for|no repository for|DataSource is not initialized/i],
  [
    'login_refused',
    /^(28P01|28000|1045|1698|ER_ACCESS_DENIED_ERROR|UnrecognizedClientException|InvalidSignatureException|P1000)$|password authentication failed|NOAUTH|WRONGPASS|Authentication failed|CredentialsProviderError|access denied for user/im,
  ],
  [
    'read_only',
    /^(25006|1290|1836|ER_OPTION_PREVENTS_STATEMENT|SQLITE_READONLY\w*)$|READONLY You can|read-only transaction|readonly database|NotWritablePrimary|not primary/im,
  ],
  [
    'not_permitted',
    /^(42501|1142|1044|ER_TABLEACCESS_DENIED_ERROR|ER_DBACCESS_DENIED_ERROR|AccessDeniedException|EACCES|EPERM)$|permission denied|NOPERM|not authorized/im,
  ],
  [
    'full',
    /^(53100|1021|1114|ENOSPC|SQLITE_FULL|ER_DISK_FULL|ER_RECORD_FILE_FULL)$|^OOM command|no space left|database or disk is full|MISCONF/im,
  ],
  [
    'no_connection_left',
    /^(53300|1040|1203|ER_CON_COUNT_ERROR|ER_TOO_MANY_USER_CONNECTIONS|EMFILE|ENFILE|P2024|P2037)$|timeout exceeded when trying to connect|too many (clients|connections)|connection slots|no connections available|queue limit reached|pool .*time-?d? ?out|acquir/im,
  ],
  [
    'pool_ended',
    /after calling end on the pool|pool (is|was) (closed|ended|destroyed)|client (is|was) closed|ClientClosedError|Connection is closed|MongoNotConnected|MongoTopologyClosed|database connection is not open|CLIENT_CLOSED/i,
  ],
  ['tls', /self.signed|CERT_|unable to verify|UNABLE_TO_|SSL|TLS|ERR_TLS/],
  ['too_long', /^(22001|1406|ER_DATA_TOO_LONG|P2000)$|value too long|data too long/im],
  ['locked', /^(55P03|SQLITE_(BUSY|LOCKED)\w*|1205|ER_LOCK_WAIT_TIMEOUT)$|database is locked|lock timeout/im],
  ['throttled', /Throttl|ProvisionedThroughputExceeded|RequestLimitExceeded/],
  ['not_ready', /^(57P0[123]|LOADING|MASTERDOWN|CLUSTERDOWN|TRYAGAIN)\b|starting up|shutting down|the administrator/im],
  [
    'unreachable',
    /^(ECONNREFUSED|ECONNRESET|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|ECONNABORTED|EPIPE|ENOENT|SQLITE_CANTOPEN|PROTOCOL_CONNECTION_LOST|P1001|P1017|08\w{3})$|ECONNREFUSED|ECONNRESET|ENOTFOUND|EAI_AGAIN|connection (terminated|lost|ended|closed)|socket (closed|hang up|disconnected)|MongoServerSelection|MongoNetwork|MaxRetriesPerRequest|unable to open database|can't reach database/im,
  ],
  ['late', /^(ETIMEDOUT|PROTOCOL_SEQUENCE_TIMEOUT|57014|P1008)$|timed? ?out|timeout/im],
];

const HINTS: Record<Exclude<StorageFault, 'no_table'>, string> = {
  other_table:
    'The table lacks a column that mfa-kit needs. Compare it with schema() of "@mfa-kit/core/storage/sql"; if another application owns it, choose another name with the option "table".',
  no_database: 'The database or the schema does not exist. Check the connection string, and create the database first.',
  entity_unknown:
    'The ORM does not know the table, or is not initialized. Await dataSource.initialize() before the first request, and add mfaProfileEntity() to its entities so that a migration creates the table.',
  login_refused: 'The database refused the login of this process. Check the user and the password in the connection string.',
  read_only: 'The connection leads to a replica or to a read-only database. Connect to the primary.',
  not_permitted:
    'The database user may not use the table. Grant it SELECT, INSERT, UPDATE and DELETE on the table (or what your database calls these).',
  full: 'The database has no room left, so nothing can be stored. Free some space.',
  no_connection_left:
    'No connection was free. Give the pool more connections or the server a higher limit, and make sure that the application releases the connections it takes.',
  pool_ended: 'The pool or client was closed while requests were still coming in. Close it after the server has stopped.',
  tls: 'The connection failed over TLS. Configure the client with the certificate of the server or of its certificate authority.',
  too_long: 'A column is too short. Compare the table with schema() of "@mfa-kit/core/storage/sql".',
  locked:
    'Another transaction holds the table or the file. Find out what keeps it locked; on SQLite set journal_mode to WAL and a busy timeout.',
  throttled: 'The database limits how much may be read and written. Raise the limit, or use on-demand capacity.',
  not_ready: 'The database is starting, stopping or failing over. If this goes on, look at its own log.',
  unreachable: 'The database cannot be reached. Check that it runs, and the host and port in the connection string.',
  late: 'The database did not answer in time. Check its load, the network, and whether a lock or an exhausted pool holds the call.',
};

/** Finds the SQL database from the error, if the storage has no name. */
function dialectOf(thrown: unknown): string | undefined {
  const codes = chainOf(thrown).flatMap((one) => [codeOf(one), nameOf(one), messageOf(one)].join('\n'));
  const said = codes.join('\n');
  if (/ResourceNotFoundException/.test(said)) return 'dynamodb';
  if (/^42P01$/m.test(said)) return 'postgres';
  if (/^ER_NO_SUCH_TABLE$|^1146$/m.test(said)) return 'mysql';
  return /no such table|SQLITE_/.test(said) ? 'sqlite' : undefined;
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'number' || typeof value === 'string' ? String(value) : undefined;
}
