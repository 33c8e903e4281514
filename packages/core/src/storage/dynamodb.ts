import { MfaError } from '../errors.js';
import { type MfaStorage, nameStorage } from './storage.js';

/** An attribute as DynamoDB returns it; only strings are used. */
export interface DynamoDBAttribute {
  S?: string | undefined;
}

type Item = Record<string, DynamoDBAttribute>;
type Condition = {
  ConditionExpression: string;
  ExpressionAttributeNames: Record<string, string>;
  ExpressionAttributeValues?: Record<string, { S: string }> | undefined;
};
type StringItem = Record<string, { S: string }>;

/** The part of a `DynamoDB` client of `@aws-sdk/client-dynamodb` that is used. */
export interface DynamoDBLike {
  getItem(input: { TableName: string; Key: StringItem; ConsistentRead: true }): Promise<{ Item?: Item | undefined }>;
  putItem(input: { TableName: string; Item: StringItem } & Condition): Promise<unknown>;
  deleteItem(input: { TableName: string; Key: StringItem } & Condition): Promise<unknown>;
  scan(input: {
    TableName: string;
    ConsistentRead: true;
    ProjectionExpression: string;
    Limit: number;
    ExclusiveStartKey?: StringItem | undefined;
  }): Promise<{ Items?: Item[] | undefined; LastEvaluatedKey?: Item | undefined }>;
  createTable(input: DynamoDBTableDefinition): Promise<unknown>;
  describeTable(input: { TableName: string }): Promise<{ Table?: DescribedTable | undefined }>;
}

interface DescribedTable {
  Replicas?: unknown[] | undefined;
  MultiRegionConsistency?: string | undefined;
}

/** The input of CreateTable; CloudFormation uses the same names. */
export interface DynamoDBTableDefinition {
  TableName: string;
  AttributeDefinitions: { AttributeName: string; AttributeType: 'S' }[];
  KeySchema: { AttributeName: string; KeyType: 'HASH' }[];
  BillingMode: 'PAY_PER_REQUEST';
}

export interface DynamoDBStorageOptions {
  /** Default `mfa_profiles`. */
  table?: string | undefined;
}

/** A storage in a DynamoDB table, with two more methods for a set-up script or a start-up check. */
export interface DynamoDBStorage extends MfaStorage {
  /** Creates the table unless it exists. It is usable some seconds later; `waitUntilTableExists` of the SDK waits for that. */
  createTable(): Promise<void>;
  /** Returns the settings of the table that weaken the contract, one sentence each; empty if there are none. */
  unsafeSettings(): Promise<string[]>;
}

const PAGE_SIZE = 200;

/**
 * Profiles in a DynamoDB table: an item with `user_id`, `version` and `value` for each user.
 *
 * - `true` is durable: DynamoDB answers when a majority of its copies has the write. Reads are consistent reads.
 * - The condition of a write holds within one region. A global table with eventual consistency breaks it; `unsafeSettings()` reports that.
 * - The key is a string, which DynamoDB compares by its UTF-8 bytes and does not normalize.
 */
export function dynamodbStorage(client: DynamoDBLike, { table = 'mfa_profiles' }: DynamoDBStorageOptions = {}): DynamoDBStorage {
  const definition = tableDefinition({ table });
  const TableName = table;
  if (typeof (client as DynamoDBLike | undefined)?.getItem !== 'function') {
    throw new MfaError(
      'invalid_option',
      "dynamodbStorage needs new DynamoDB(...) of '@aws-sdk/client-dynamodb'. A DynamoDBClient takes the same configuration, but " +
        'has no methods of its own; DynamoDBDocument has others.',
    );
  }

  /** A failed condition is an answer. Every other error, including throttling and conflicts with transactions, is a fault. */
  async function unlessRefused(call: Promise<unknown>): Promise<boolean> {
    try {
      await call;
      return true;
    } catch (error) {
      if ((error as Error | undefined)?.name === 'ConditionalCheckFailedException') return false;
      throw error;
    }
  }

  return nameStorage('dynamodb', {
    async read(userId) {
      const { Item } = await client.getItem({ TableName, Key: { user_id: { S: userId } }, ConsistentRead: true });
      return Item ? { version: text(Item.version), value: text(Item.value) } : null;
    },

    write(userId, { version, value }, expected) {
      const item = { user_id: { S: userId }, version: { S: version }, value: { S: value } };
      const condition = expected === null ? ABSENT : atVersion(expected);
      return unlessRefused(client.putItem({ TableName, Item: item, ...condition }));
    },

    remove: (userId, expected) =>
      unlessRefused(client.deleteItem({ TableName, Key: { user_id: { S: userId } }, ...atVersion(expected) })),

    async listUserIds(cursor) {
      const { Items = [], LastEvaluatedKey } = await client.scan({
        TableName,
        ConsistentRead: true,
        ProjectionExpression: 'user_id',
        Limit: PAGE_SIZE,
        ...(cursor === undefined ? {} : { ExclusiveStartKey: { user_id: { S: cursor } } }),
      });
      const userIds = Items.map((item) => text(item.user_id));
      return LastEvaluatedKey ? { userIds, cursor: text(LastEvaluatedKey.user_id) } : { userIds };
    },

    async createTable() {
      try {
        await client.createTable(definition);
      } catch (error) {
        if ((error as Error | undefined)?.name !== 'ResourceInUseException') throw error;
      }
    },

    async unsafeSettings() {
      const { Table } = await client.describeTable({ TableName });
      const isGlobal = (Table?.Replicas ?? []).length > 0 && Table?.MultiRegionConsistency !== 'STRONG';
      return isGlobal
        ? [
            'The table is a global table with eventual consistency: a simultaneous write in another region can restore a used code. ' +
              'Use a table of one region, or one with MultiRegionConsistency STRONG.',
          ]
        : [];
    },
  });
}

/** The input of CreateTable, for your infrastructure code. */
export function tableDefinition({ table = 'mfa_profiles' }: DynamoDBStorageOptions = {}): DynamoDBTableDefinition {
  if (typeof table !== 'string' || !/^([A-Za-z0-9_.-]{3,255}|arn:[^\s]+)$/.test(table)) {
    throw new MfaError('invalid_option', 'table must be 3 to 255 letters, digits, or _ . - or the ARN of a table.');
  }
  return {
    TableName: table,
    AttributeDefinitions: [{ AttributeName: 'user_id', AttributeType: 'S' }],
    KeySchema: [{ AttributeName: 'user_id', KeyType: 'HASH' }],
    BillingMode: 'PAY_PER_REQUEST',
  };
}

const ABSENT: Condition = {
  ConditionExpression: 'attribute_not_exists(#user_id)',
  ExpressionAttributeNames: { '#user_id': 'user_id' },
};

function atVersion(expected: string): Condition {
  return {
    ConditionExpression: '#version = :expected',
    ExpressionAttributeNames: { '#version': 'version' },
    ExpressionAttributeValues: { ':expected': { S: expected } },
  };
}

function text(attribute: DynamoDBAttribute | undefined): string {
  if (typeof attribute?.S === 'string') return attribute.S;
  throw new TypeError('dynamodbStorage: user_id, version and value must be strings; create the table with tableDefinition().');
}
