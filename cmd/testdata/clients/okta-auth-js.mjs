// The flows of okta-auth-js, for Node.js and for a page in a browser (page.html).
import { want } from './run.mjs'

export function flows(OktaAuth, domain, visit) {
  const issuer = domain + '/oauth2/default'
  const inPage = 'window' in globalThis
  let tokens

  const newClient = (options) => {
    const client = new OktaAuth({
      issuer, clientId: '0oaPublicClient00001', redirectUri: 'http://127.0.0.1:8085/callback',
      scopes: ['openid', 'profile', 'offline_access'], ...options,
    })
    if (!inPage) client.token.parseFromUrl._getLocation = () => ({}) // the address is an argument
    return client
  }

  const signIn = async (options) => {
    let opened
    const client = newClient({ setLocation: (url) => { opened = url }, ...options })
    await client.token.getWithRedirect()
    const signedIn = (await client.token.parseFromUrl(await visit(opened))).tokens
    want(signedIn.accessToken && signedIn.idToken && signedIn.refreshToken, 'a token is missing')
    return signedIn
  }

  const client = newClient()
  const all = {
    'discovery': async () => want((await client.token.prepareTokenParams()).codeChallenge, 'no challenge'), // it reads S256
    'authorization code with PKCE': async () => { tokens = await signIn() },
    'verify ID token': async () => {
      const { idToken, accessToken } = tokens
      await client.token.verify(idToken,
        { clientId: client.options.clientId, issuer, accessToken: accessToken.accessToken })
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
      const postLogoutRedirectUri = 'http://127.0.0.1:8085/'
      const end = await visit(client.getSignOutRedirectUrl({ idToken: tokens.idToken, postLogoutRedirectUri }))
      want(end === postLogoutRedirectUri, 'it ends at ' + end)
    },
  }
  if (inPage) { // Node.js has no IndexedDB, where it keeps the key, and sends no preflight
    all['DPoP'] = async () => {
      const bound = newClient({ dpop: true })
      const { accessToken } = await signIn({ dpop: true })
      const url = domain + '/api/hello'
      const { Authorization, Dpop } = await bound.getDPoPAuthorizationHeaders({ url, method: 'GET', accessToken })
      const { status } = await fetch(url, { headers: { Authorization, DPoP: Dpop } })
      want(status === 200, 'the API answers ' + status)
    }
    const page = newClient({
      clientId: '0oaOfThePage00000001', redirectUri: location.origin + '/', scopes: ['openid', 'profile'],
    })
    all['sign-in in a popup'] = async () => {
      const { open } = window
      window.open = (...args) => {
        const popup = open(...args)
        fetch('/popup') // a user signs in there
        return popup
      }
      const { idToken, accessToken } = (await page.token.getWithPopup({})).tokens
      want(idToken.claims.name === 'Alice Example' && accessToken, 'a token is missing')
    }
    all['renewal in a frame'] = async () => {
      const { idToken, accessToken } = (await page.token.getWithoutPrompt({})).tokens
      want(idToken.claims.name === 'Alice Example' && accessToken, 'a token is missing')
    }
    all['CORS preflight'] = async () => {
      const { status } = await fetch(issuer + '/v1/userinfo', { headers: { Authorization: 'Bearer x' } })
      want(status === 401, 'userinfo answers ' + status)
    }
  }
  return all
}
