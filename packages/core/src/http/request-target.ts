/** Path and query of a request target: a client may send the whole URL there (RFC 9112 section 3.2.2). */
export function pathAndQuery(target: string): string {
  const [origin] = /^https?:\/\/[^/?#]*/i.exec(target) ?? [];
  if (origin === undefined) return target;
  const rest = target.slice(origin.length);
  return rest.startsWith('/') ? rest : `/${rest}`;
}
