const { app } = await import(new URL('app.js', import.meta.url).href);
await import(new URL('password.js', import.meta.url).href);

const server = app.listen(0, '127.0.0.1', () => process.send(server.address().port));
