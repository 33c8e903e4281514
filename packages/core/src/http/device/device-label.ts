const AGENT_LENGTH = 512;

/** Names a browser for the list of devices: "Firefox on Windows". It is only a label; no decision depends on it. */
export async function nameBrowser(userAgent: string | undefined): Promise<string> {
  if (userAgent === undefined || userAgent === '') return 'Unknown browser';
  const { default: Bowser } = await import('bowser');
  const parser = Bowser.getParser(userAgent.slice(0, AGENT_LENGTH));
  const browser = parser.getBrowserName();
  const system = parser.getOSName();
  if (!browser) return system ? `Unknown browser on ${system}` : 'Unknown browser';
  return system ? `${browser} on ${system}` : browser;
}
