/** The key that every side of the kit uses. */
export const KEY = { id: '2026-11', secret: 'q1W0nE7gk5RrJ9sZbX2mVtYp8uLcA4dFhGiKoN3wT6E=' };
