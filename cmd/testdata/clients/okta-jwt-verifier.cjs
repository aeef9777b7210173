const { library, issuer, secret, user, want, run } = require('./flows.cjs')
const Verifier = library('@okta/jwt-verifier')

console.warn = () => {} // its warning about http
const verifier = new Verifier({
  issuer, clientId: process.env.OKAUTH_CLIENT_ID, testing: { disableHttpsCheck: true },
  assertClaims: { cid: process.env.OKAUTH_CLIENT_ID, 'scp.includes': ['profile'] },
})

const tokens = async () => {
  const answer = await fetch(issuer + '/v1/token', {
    method: 'POST', headers: { Authorization: 'Basic ' + btoa(process.env.OKAUTH_CLIENT_ID + ':' + secret) },
    body: new URLSearchParams({ grant_type: 'password', ...user, scope: 'openid profile' }),
  })
  return answer.json()
}

run({
  'verify access token': async () => {
    await verifier.verifyAccessToken((await tokens()).access_token, 'api://default')
    const url = process.env.OKAUTH_DOMAIN + '/sandbox/tokens/expired'
    const expired = await (await fetch(url, { headers: { 'X-Sandbox': '1' } })).text()
    await verifier.verifyAccessToken(expired, 'api://default')
      .then(() => { throw new Error('an expired token is valid') }, (e) => want(/expired/.test(e.message), e.message))
  },
  'verify ID token': async () => {
    const ids = new Verifier({ issuer, testing: { disableHttpsCheck: true } })
    await ids.verifyIdToken((await tokens()).id_token, process.env.OKAUTH_CLIENT_ID)
  },
})
