// A server that is not ours: panva's oidc-provider, with the pages that it brings for development, at the paths of an
// Okta org's authorization server "default".
//
//   node oidcprovider.mjs DIRECTORY REDIRECT_URI [CLIENT [nonce]]
//
// DIRECTORY has the package in node_modules. CLIENT is JSON, metadata that the client has beside its own or in its
// place; with nonce, every DPoP proof needs one. It serves on a free port, prints the org's address, and logs the
// requests that it has answered, a line each: "POST /oauth2/default/v1/token 200".
import http from 'node:http';
import { pathToFileURL } from 'node:url';

const [directory, redirectURI, client = '{}', nonce] = process.argv.slice(2);
const { default: Provider } = await import(pathToFileURL(`${directory}/node_modules/oidc-provider/lib/index.js`));

const mount = '/oauth2/default';
let answer;
const server = http.createServer((request, response) => {
  const { method, url } = request;
  response.on('finish', () => console.log(method, url.split('?')[0], response.statusCode));
  if (!url.startsWith(`${mount}/`)) {
    response.writeHead(404).end();
    return;
  }
  request.originalUrl = url; // how the provider learns where it is mounted
  request.url = url.slice(mount.length);
  answer(request, response);
});
await new Promise((listens) => { server.listen(0, '127.0.0.1', listens); });
const org = `http://127.0.0.1:${server.address().port}`;

answer = new Provider(org + mount, {
  clients: [{
    client_id: '0oaForeignClient0001',
    application_type: 'native',
    token_endpoint_auth_method: 'none',
    grant_types: ['authorization_code', 'refresh_token', 'urn:ietf:params:oauth:grant-type:device_code'],
    response_types: ['code'],
    redirect_uris: [redirectURI],
    ...JSON.parse(client),
  }],
  findAccount: (context, id) => ({ accountId: id, claims: () => ({ sub: id, preferred_username: id }) }),
  claims: { openid: ['sub'], profile: ['preferred_username'] },
  conformIdTokenClaims: false, // like Okta, it puts the claims of the scopes into the ID token
  clientAuthMethods: ['none', 'client_secret_basic', 'client_secret_post', 'client_secret_jwt', 'private_key_jwt'],
  features: {
    clientCredentials: { enabled: true },
    deviceFlow: { enabled: true },
    dPoP: { enabled: true, nonceSecret: Buffer.alloc(32), requireNonce: () => nonce === 'nonce' },
    introspection: { enabled: true },
    revocation: { enabled: true },
  },
  scopes: ['openid', 'offline_access', 'orders:read'],
  pkce: { required: () => true },
  rotateRefreshToken: true,
  cookies: { keys: ['not-a-secret-of-this-test'] },
  routes: {
    authorization: '/v1/authorize',
    code_verification: '/activate',
    device_authorization: '/v1/device/authorize',
    end_session: '/v1/logout',
    introspection: '/v1/introspect',
    jwks: '/v1/keys',
    revocation: '/v1/revoke',
    token: '/v1/token',
    userinfo: '/v1/userinfo',
  },
}).callback();
console.log(org);
