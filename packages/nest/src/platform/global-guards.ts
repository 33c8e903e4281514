import type { ApplicationConfig } from '@nestjs/core';

const present = new WeakMap<ApplicationConfig, readonly unknown[]>();

/** Records the global guards when Nest creates the routes, because it does not run guards that are added later. */
export function rememberGlobalGuards(config: ApplicationConfig): void {
  present.set(config, [...config.getGlobalGuards()]);
}

/** The global guards that each application had when Nest created its routes. */
export function rememberedGuards(config: ApplicationConfig): readonly unknown[] {
  return present.get(config) ?? [];
}
