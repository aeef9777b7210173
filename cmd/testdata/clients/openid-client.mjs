import { createPrivateKey } from 'node:crypto'
import { pathToFileURL } from 'node:url'
import flows from './flows.cjs'

const { library, issuer, secret, user, visit, want } = flows
const oidc = await import(pathToFileURL(library.resolve('openid-client')))

const redirectURI = 'http://127.0.0.1:8085/callback'
const scope = 'openid profile offline_access'
const discover = (id, auth, metadata = secret) =>
  oidc.discovery(new URL(issuer), id, metadata, auth, { execute: [oidc.allowInsecureRequests] })

const key = await crypto.subtle.importKey('pkcs8',
  createPrivateKey(process.env.TEST_KEY).export({ type: 'pkcs8', format: 'der' }),
  { name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign'])

// The audience of its assertions is the issuer; Okta wants the endpoint.
const toEndpoint = { [oidc.modifyAssertion]: (_, claims) => { claims.aud = issuer + '/v1/token' } }

let config, tokens, access

// authorize signs in with a code; push is whether the parameters go to the server first (PAR).
async function authorize(push) {
  const verifier = oidc.randomPKCECodeVerifier()
  const state = oidc.randomState(), nonce = oidc.randomNonce()
  const build = push ? oidc.buildAuthorizationUrlWithPAR : oidc.buildAuthorizationUrl
  const url = await build(config, {
    redirect_uri: redirectURI, scope, state, nonce, code_challenge_method: 'S256',
    code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
  })
  return oidc.authorizationCodeGrant(config, new URL(await visit(url.href)),
    { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce })
}

await flows.run({
  'discovery': async () => {
    config = await discover(process.env.OKAUTH_CLIENT_ID, oidc.ClientSecretBasic(secret))
    oidc.enableNonRepudiationChecks(config) // verifies the signature of every ID token
  },
  'password': async () => {
    tokens = await oidc.genericGrantRequest(config, 'password', { ...user, scope })
    access = tokens.access_token
  },
  'client credentials, secret': async () => {
    const service = await discover('0oaServiceClient0001', oidc.ClientSecretBasic(secret))
    await oidc.clientCredentialsGrant(service, { scope: 'api:read' })
  },
  'client credentials, secret that signs': async () => {
    const service = await discover('0oaSecretJWTClient01', oidc.ClientSecretJwt(secret, toEndpoint))
    await oidc.clientCredentialsGrant(service, { scope: 'api:read' })
  },
  'client credentials, private key': async () => {
    const auth = oidc.PrivateKeyJwt({ key, kid: 'oktatest-public-key' }, toEndpoint)
    const service = await discover('0oaServiceWithKey001', auth, undefined)
    await oidc.clientCredentialsGrant(service, { scope: 'api:read' })
  },
  'authorization code with PKCE': async () => { tokens = await authorize(false) },
  'verify ID token': async () => want(tokens.claims().sub, 'no claims'),
  'refresh': async () => { tokens = await oidc.refreshTokenGrant(config, tokens.refresh_token) },
  'device code': async () => {
    const native = await discover('0oaPublicClient00001', oidc.None(), undefined)
    const device = await oidc.initiateDeviceAuthorization(native, { scope })
    await visit(device.verification_uri_complete)
    await oidc.pollDeviceAuthorizationGrant(native, device)
  },
  'introspect': async () => want((await oidc.tokenIntrospection(config, access)).active, 'not active'),
  'userinfo': async () => {
    const about = await oidc.fetchUserInfo(config, tokens.access_token, tokens.claims().sub)
    want(about.name === 'Alice Example', 'no name')
  },
  'revoke': async () => {
    await oidc.tokenRevocation(config, access)
    want(!(await oidc.tokenIntrospection(config, access)).active, 'still active')
  },
  'pushed authorization request': async () => { await authorize(true) },
  'token exchange': async () => {
    const service = await discover('0oaServiceClient0001', oidc.ClientSecretBasic(secret))
    await oidc.genericGrantRequest(service, 'urn:ietf:params:oauth:grant-type:token-exchange', {
      subject_token: tokens.access_token, subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      audience: 'api://default', scope: 'api:read',
    })
  },
  'DPoP': async () => {
    const client = await discover('0oaNeedsDPoPProof001', oidc.ClientSecretBasic(secret))
    const DPoP = oidc.getDPoPHandle(client, await oidc.randomDPoPKeyPair())
    const bound = await oidc.genericGrantRequest(client, 'password', { ...user, scope }, { DPoP })
    want(bound.token_type === 'dpop', 'not bound')
    const hello = await oidc.fetchProtectedResource(client, bound.access_token,
      new URL('/api/hello', issuer), 'GET', null, null, { DPoP })
    want(hello.status === 200, 'the API answers ' + hello.status)
  },
  'logout': async () => {
    const url = oidc.buildEndSessionUrl(config, { id_token_hint: tokens.id_token })
    const answer = await fetch(url, { redirect: 'manual' })
    want(answer.status < 400, 'the sandbox answers ' + answer.status)
  },
})
