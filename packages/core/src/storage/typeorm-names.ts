import { MfaError } from '../errors.js';
import { tableParts } from './table-name.js';
import { ENTITY_NAME, type TypeormDatabase } from './typeorm-entity.js';

/** The part of a TypeORM NamingStrategy that decides on the table of an entity. */
export interface NamingStrategyLike {
  tableName(targetName: string, userSpecifiedName: string | undefined): string;
  columnName(propertyName: string, customName: string | undefined, embeddedPrefixes: string[]): string;
  prefixTableName(prefix: string, tableName: string): string;
}

interface Named {
  readonly options: object;
  readonly namingStrategy?: NamingStrategyLike | undefined;
}

const COLUMNS = ['user_id', 'version', 'value', 'updated_at'];

/** Returns the table that TypeORM creates for the entity of `table` with the options of this DataSource. */
export function tableMadeBy({ options, namingStrategy }: Named, table: string): string {
  const { type, entityPrefix, schema } = options as { type: TypeormDatabase; entityPrefix?: string; schema?: string };
  const [name = table, ownSchema] = tableParts(table).reverse();
  const renamed = COLUMNS.filter((column) => (namingStrategy?.columnName(column, column, []) ?? column) !== column);
  if (renamed.length > 0) {
    throw new MfaError(
      'invalid_option',
      `typeormStorage: the namingStrategy of the DataSource renames the columns ${renamed.join(', ')}, which have their names by the entity. ` +
        'Let its columnName(propertyName, customName) return customName where one is given, as strategies do; or give mfa-kit a DataSource of its own.',
    );
  }
  const named = namingStrategy?.tableName(ENTITY_NAME, name) ?? name;
  const prefixed = entityPrefix ? (namingStrategy?.prefixTableName(entityPrefix, named) ?? entityPrefix + named) : named;
  // Only PostgreSQL has the option. MySQL uses databases instead, and the connection has its own.
  const inSchema = ownSchema ?? (type === 'postgres' ? schema : undefined);
  const made = inSchema === undefined ? prefixed : `${inSchema}.${prefixed}`;
  try {
    return tableParts(made).join('.');
  } catch {
    throw new MfaError(
      'invalid_option',
      `typeormStorage: with its entityPrefix, schema or namingStrategy the DataSource makes the table ${made}. mfa-kit takes names of letters, digits and ` +
        'underscores, up to 63 of them, with one schema in front. Give mfa-kit a DataSource of its own without these options.',
    );
  }
}

/** If the entity is registered, TypeORM's table for it must be the table of the statements. */
export function expectMadeAs(dataSource: object, table: string, made: string): void {
  const { entityMetadatas = [] } = dataSource as {
    entityMetadatas?: { name: string; givenTableName?: string; tablePath: string }[];
  };
  const given = tableParts(table).at(-1);
  const entity = entityMetadatas.find(({ name, givenTableName }) => name === ENTITY_NAME && givenTableName === given);
  if (!entity || entity.tablePath === made) return;
  throw new MfaError(
    'host_setup',
    `typeormStorage: TypeORM has the table ${entity.tablePath} for the entity of mfa-kit, and the statements would go to ${made}. Give ` +
      'typeormStorage and mfaProfileEntity the same table, and leave the entity as mfaProfileEntity returns it.',
  );
}
