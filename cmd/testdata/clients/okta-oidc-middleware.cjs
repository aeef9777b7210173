const { once } = require('node:events')
const { library, issuer, secret, visit, want, run } = require('./flows.cjs')
const { ExpressOIDC } = library('@okta/oidc-middleware')
const express = library('express')

const scope = 'openid profile offline_access'
const session = { regenerate: (then) => then(), save: (then) => then(), destroy: (then) => then() } // of the only user
const app = express()
console.warn = () => {} // its warning about http

let oidc, base, tokens, signOut

const get = (path) => fetch(base + path, { redirect: 'manual', headers: { Accept: 'text/html' } })

run({
  'discovery': async () => {
    oidc = new ExpressOIDC({
      issuer, client_id: '0oaNoPasswordGrant01', client_secret: secret, scope, appBaseUrl: 'http://127.0.0.1:8085',
      routes: { loginCallback: { path: '/callback' } }, testing: { disableHttpsCheck: true },
    })
    await once(oidc, 'ready')
    app.use((request, _, next) => { request.session = session; next() })
    app.use(oidc.router)
    app.get('/', oidc.ensureAuthenticated(), (request, response) => response.json(request.userContext))
    app.post('/out', oidc.forceLogoutAndRevoke())
    app.use((error, _request, response, _next) => response.status(500).send(error.message))
    const server = app.listen(0, '127.0.0.1')
    await once(server, 'listening')
    base = 'http://127.0.0.1:' + server.address().port
  },
  'authorization code': async () => {
    const login = await get('/login')
    const back = new URL(await visit(login.headers.get('location')))
    const callback = await get(back.pathname + back.search)
    want(callback.status === 302, await callback.text())
  },
  'verify ID token': async () => { // the middleware does it before it lets the user in
    tokens = session.passport.user.tokens
    want(tokens.id_token, 'no ID token')
  },
  'userinfo': async () => want((await (await get('/')).json()).userinfo?.name === 'Alice Example', 'no name'),
  'revoke': async () => {
    const answer = await fetch(base + '/out', { method: 'POST', redirect: 'manual' })
    signOut = answer.headers.get('location')
    const refresh = fetch(issuer + '/v1/token', {
      method: 'POST', headers: { Authorization: 'Basic ' + btoa('0oaNoPasswordGrant01:' + secret) },
      body: new URLSearchParams({ grant_type: 'refresh_token', refresh_token: tokens.refresh_token }),
    })
    want((await refresh).status === 400, 'the refresh token still works')
  },
  'logout': async () => {
    const { status } = await fetch(signOut, { redirect: 'manual' })
    want(status < 400, 'the sandbox answers ' + status)
  },
})
