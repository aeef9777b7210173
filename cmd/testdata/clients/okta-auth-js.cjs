const { library, issuer, visit, want, run } = require('./flows.cjs')
const { OktaAuth } = library('@okta/okta-auth-js')

let opened, tokens
const client = new OktaAuth({
  issuer, clientId: '0oaPublicClient00001', redirectUri: 'http://127.0.0.1:8085/callback',
  scopes: ['openid', 'profile', 'offline_access'], setLocation: (url) => { opened = url },
})
client.token.parseFromUrl._getLocation = () => ({}) // there is no window here; the address is an argument

run({
  'discovery': async () => want((await client.token.prepareTokenParams()).codeChallenge, 'no challenge'), // it reads S256
  'authorization code with PKCE': async () => {
    await client.token.getWithRedirect()
    tokens = (await client.token.parseFromUrl(await visit(opened))).tokens
    want(tokens.accessToken && tokens.idToken && tokens.refreshToken, 'a token is missing')
  },
  'verify ID token': async () => {
    const { idToken, accessToken } = tokens
    await client.token.verify(idToken, { clientId: client.options.clientId, issuer, accessToken: accessToken.accessToken })
  },
  'refresh': async () => {
    const renewed = await client.token.renewTokensWithRefresh({ scopes: client.options.scopes }, tokens.refreshToken)
    want(renewed.accessToken.accessToken !== tokens.accessToken.accessToken, 'the same token')
    tokens = { ...tokens, ...renewed }
  },
  'introspect': async () => {
    want((await client.token.introspect('accessToken', tokens.accessToken)).active, 'not active')
  },
  'userinfo': async () => {
    want((await client.token.getUserInfo(tokens.accessToken, tokens.idToken)).name === 'Alice Example', 'no name')
  },
  'revoke': async () => {
    await client.token.revoke(tokens.accessToken)
    want(!(await client.token.introspect('accessToken', tokens.accessToken)).active, 'still active')
  },
  'logout': async () => {
    const url = client.getSignOutRedirectUrl({ idToken: tokens.idToken, postLogoutRedirectUri: null })
    const { status } = await fetch(url, { redirect: 'manual' })
    want(status < 400, 'the sandbox answers ' + status)
  },
})
