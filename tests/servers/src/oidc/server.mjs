// An OpenID provider for tests: anybody may sign in under any name, which is the subject; the name decides the claims.
// usage: node server.mjs <folder with node_modules> <port> <client id> <client secret> <redirect URI>
const [folder, port, clientId, clientSecret, redirectUri] = process.argv.slice(2);
const { default: Provider } = await import(`${folder}/node_modules/oidc-provider/lib/index.js`);

const claimsOf = (name) => ({
  sub: name,
  preferred_username: name,
  name: `${name} of the River`,
  email: `${name}@${name.startsWith('stranger') ? 'elsewhere.example' : 'example.com'}`,
  email_verified: !name.startsWith('unverified'),
  groups: name.startsWith('dev') ? ['data-engineers'] : [],
});

const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [{ client_id: clientId, client_secret: clientSecret, redirect_uris: [redirectUri] }],
  findAccount: (_, name) => ({ accountId: name, claims: async () => claimsOf(name) }),
  claims: { openid: ['sub'], profile: ['preferred_username', 'name'], email: ['email', 'email_verified'], groups: ['groups'] },
  scopes: ['openid', 'profile', 'email', 'groups'],
  pkce: { required: () => true },
});
provider.listen(Number(port), '127.0.0.1');
