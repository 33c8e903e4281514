import { MfaError } from '@mfa-kit/core';
import type { ModulesContainer } from '@nestjs/core';
import { isMfaController } from './mfa.controller.js';
import { GUARDS, hasRouteGuard } from './mfa.decorators.js';
import { MFA_MARK } from './mfa.mark.js';
import { checkMarks } from './mfa.mark-check.js';
import { eachMethod, isMarked, readMetadata } from './mfa.methods.js';

const CONTROLLER_PATH = 'path';

/** Metadata of plain providers and of the kit. Any other key may belong to a package that runs guards itself. */
const PLAIN = /^(design:|self:|optional:|scope:options$|__injectable__$)/;

/** Throws if the kit is registered or marked in a way that cannot work, or that guards nothing. */
export function checkRegistration(modules: ModulesContainer): void {
  checkModules(modules);
  checkMarks(modules);
  for (const { controller, methods } of eachMethod(modules, 'providers')) {
    if (!isPlain(controller)) continue;
    const stray = methods.find(({ own }) => isPlain(own) && (isMarked(own) || hasRouteGuard(own)));
    if (stray) {
      const method = `${(controller as { name?: string }).name}.${stray.name}()`;
      throw new MfaError(
        'host_setup',
        `@RequireMfa() is on ${method}, for which Nest runs no guards, because it is not in a controller, resolver or gateway. Mark ` +
          'the handlers that call it.',
      );
    }
  }
}

/** Refuses two modules at one path, because the guard of one would redirect to the pages of the other. */
function checkModules(modules: ModulesContainer): void {
  const types = [...modules.values()].flatMap(({ controllers }) => [...controllers.keys()]);
  const paths = types.flatMap((type) => {
    if (typeof type !== 'function' || !isMfaController(type)) return [];
    return [String(readMetadata<string>(CONTROLLER_PATH, type)).toLowerCase()];
  });
  if (paths.length === 0) {
    throw new MfaError(
      'host_setup',
      'MfaModule is imported without its options. Write MfaModule.forRoot({ mfa, user, loginUrl, ... }).',
    );
  }
  const twice = paths.find((path, index) => paths.indexOf(path) !== index);
  if (twice !== undefined) {
    throw new MfaError(
      'host_setup',
      `MfaModule is registered twice at "${twice}". Call forRoot() or forRootAsync() once, with isGlobal: true, or give each a path.`,
    );
  }
}

function isPlain(target: object): boolean {
  const keys: unknown[] = Reflect.getMetadataKeys(target);
  return keys.every((key) => key === MFA_MARK || key === GUARDS || PLAIN.test(String(key)));
}
