import { readFileSync } from 'node:fs';
import { PrismaPg } from '@prisma/adapter-pg';
import { bindSqlAdapterFactory } from '@prisma/driver-adapter-utils';
import * as glue from '@prisma/schema-engine-wasm/schema_engine_bg';

await start();

/** The output of `prisma migrate diff --from-empty`, made by the engine's package instead of the program that it would download. */
export async function migrationOf(connectionString: string, model: string): Promise<string> {
  const engine = await glue.SchemaEngine.new(
    { datamodels: [['schema.prisma', model]] },
    () => undefined,
    bindSqlAdapterFactory(new PrismaPg({ connectionString })),
  );
  const { stdout } = await engine.diff({
    from: { tag: 'empty' },
    to: { tag: 'schemaDatamodel', files: [{ path: 'schema.prisma', content: model }] },
    script: true,
    exitCode: null,
    filters: { externalTables: [], externalEnums: [] },
  });
  return stdout ?? '';
}

/** Loaded once, because the package's functions share one instance. */
async function start(): Promise<void> {
  const code = readFileSync(new URL('../node_modules/@prisma/schema-engine-wasm/schema_engine_bg.wasm', import.meta.url));
  const { instance } = await WebAssembly.instantiate(code, { './schema_engine_bg.js': glue } as WebAssembly.Imports);
  const { __wbg_set_wasm: use } = glue as unknown as { __wbg_set_wasm(exports: WebAssembly.Exports): void };
  use(instance.exports);
  (instance.exports as { __wbindgen_start(): void }).__wbindgen_start();
}
