import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { requireOathtool } from '../support/authenticator.js';
import { crawl } from '../support/crawl.js';
import { type HalfLoggedIn, SUBJECTS, type Subject, startSubject } from '../support/crawl-subjects.js';
import { describeWith } from '../support/requires.js';

/** What is open after the password, before the second factor. */
const CHALLENGED = ['GET /mfa/challenge'];
/** What is open to a user without a second factor. */
const ENROLLING = ['GET /mfa/enroll', 'POST /mfa/enroll'];

describe.each(SUBJECTS)('%s', (name) => {
  describeWith(requireOathtool(), 'SES-2: half logged in', () => {
    let subject: Subject;

    beforeAll(async () => {
      subject = await startSubject(name);
      await subject.enroll();
    });
    afterAll(() => subject.close());

    it('covers every route of the application', () => {
      expect(subject.routes).toEqual(
        expect.arrayContaining(['/login', '/cases', '/payouts', '/mfa/verify', '/mfa/devices/revoke']),
      );
      expect(subject.routes.length).toBeGreaterThan(15);
    });

    it('opens only the challenge and public routes', async () => {
      for (const { name: way, headers, finish } of await subject.halfLoggedIn()) {
        const found = await crawl({
          ...subject,
          headers: { accept: 'text/html', ...headers },
          allowed: [...subject.open, ...CHALLENGED],
        });
        expect(found, way).toEqual([]);
        // The client was half logged in until the end, and only the code was missing.
        if (finish) expect(await finish()).toBe(200);
      }
    }, 120_000);

    it('opens only the enrollment if nothing is enrolled', async () => {
      const fresh = await startSubject(name);
      try {
        for (const half of await fresh.halfLoggedIn()) {
          const headers = { accept: 'application/json', ...half.headers };
          expect(await crawl({ ...fresh, headers, allowed: [...fresh.open, ...ENROLLING] }), half.name).toEqual([]);
        }
      } finally {
        await fresh.close();
      }
    }, 120_000);

    it('opens only public routes without a login', async () => {
      expect(await crawl({ ...subject, headers: { accept: 'text/html' }, allowed: subject.open })).toEqual([]);
    }, 120_000);
  });

  it('T31: the crawl finds a route that was left open', async () => {
    const planted = await startSubject(name, { planted: true });
    try {
      const [half] = (await planted.halfLoggedIn()) as [HalfLoggedIn];
      const routes = planted.routes.filter((route) => ['/export', '/dump', '/cases'].includes(route));
      const found = await crawl({ ...planted, routes, headers: half.headers, allowed: planted.open });
      expect(found).toEqual(expect.arrayContaining(['GET /export: 200 ', 'HEAD /export: 200 ', 'GET /export?x=/login: 200 ']));
      if (name.startsWith('Nest')) expect(found).toContain('GET /dump: 200 ');
      expect(found.filter((line) => line.includes('cases'))).toEqual([]);
    } finally {
      await planted.close();
    }
  });
});
