import type { MfaExchange } from '../exchange.js';
import type { HttpKit } from '../http-kit.js';

/** Tells the operator of endpoints that what reads the bearer token does not run for. */
export function warnOfUnreadToken(kit: Pick<HttpKit, 'warn'>, exchange: Pick<MfaExchange, 'header'>): void {
  if (!/^(Bearer|DPoP) +\S/i.test(exchange.header('authorization') ?? '')) return;
  kit.warn(
    'MFA_KIT_UNREAD_TOKEN',
    'A request with a bearer token came to an endpoint of the kit, and the option user gave nobody. Let what reads the token run for ' +
      'the path of the kit as well. In Nest, a guard that returns early where @Public() stands must still set the user when a token is ' +
      'there. If only expired tokens are sent, ignore this.',
  );
}
