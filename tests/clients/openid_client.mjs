// openid-client (npm, certified) as three portals and a service. Argument: the stage, a JSON file.

import assert from 'node:assert/strict';
import { webcrypto } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Browser } from './browser.mjs';

// Debian 12 has Node 18, which keeps this global behind a flag; the library needs it when it loads.
globalThis.crypto ??= webcrypto;
const oidc = await import('openid-client');

const { issuer, person, clients } = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const SCOPE = 'openid profile phone offline_access';
let passed = 0;
let failed = 0;

async function check(name, act) {
  try {
    await act();
    passed += 1;
    console.log(`PASS openid-client: ${name}`);
  } catch (error) {
    failed += 1;
    const detail = [error.code, error.error, error.error_description, error.cause?.message ?? ''].filter(Boolean);
    console.log(`FAIL openid-client: ${name} - ${error.message} ${detail.join(' ')}`.replace(/\s+/g, ' '));
  }
}

async function portal(key, authentication) {
  const metadata = clients[key];
  const config = await oidc.discovery(
    new URL(issuer), metadata.client_id,
    { ...(metadata.client_secret && { client_secret: metadata.client_secret }),
      id_token_signed_response_alg: metadata.id_token_signed_response_alg ?? 'RS256' },
    authentication, { execute: [oidc.allowInsecureRequests] },
  );
  // Without this the library trusts the connection and leaves the ID token's signature alone.
  oidc.enableNonRepudiationChecks(config);
  return { config, redirect_uri: metadata.redirect_uris?.[0] };
}

/** One authorization code flow: PKCE, state, nonce; the library validates response and ID token. */
async function enter({ config, redirect_uri }, browser, extra = {}) {
  const verifier = oidc.randomPKCECodeVerifier();
  const [state, nonce] = [oidc.randomState(), oidc.randomNonce()];
  const url = oidc.buildAuthorizationUrl(config, {
    redirect_uri, scope: SCOPE, state, nonce,
    code_challenge: await oidc.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256',
    ...extra,
  });
  const callback = await browser.visit(url, redirect_uri);
  assert.equal(callback.searchParams.get('iss'), issuer, 'iss in the authorization response');
  return oidc.authorizationCodeGrant(config, callback, {
    pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce, idTokenExpected: true,
  });
}

const algorithm = (token) => JSON.parse(Buffer.from(token.split('.')[0], 'base64url')).alg;
const refusedWith = (code) => (error) => error.error === code || error.cause?.error === code;
const isActive = async ({ config }, token) => (await oidc.tokenIntrospection(config, token)).active;

const browser = new Browser(person);
let basic, post, app, service, first, second, held;

await check('discovery for every way to authenticate', async () => {
  basic = await portal('basic', oidc.ClientSecretBasic(clients.basic.client_secret));
  post = await portal('post', oidc.ClientSecretPost(clients.post.client_secret));
  app = await portal('public', oidc.None());
  service = await portal('service', oidc.ClientSecretBasic(clients.service.client_secret));
  assert.equal(basic.config.serverMetadata().issuer, issuer);
});
await check('code flow with PKCE, state and nonce; client_secret_basic; RS256', async () => {
  first = await enter(basic, browser);
  assert.ok(browser.asked.includes('login-submit'), `asked ${browser.asked}`);
  assert.equal(algorithm(first.id_token), 'RS256');
  assert.ok(first.refresh_token, 'a refresh token for offline_access');
});
await check('userinfo with the subject of the ID token', async () => {
  const info = await oidc.fetchUserInfo(basic.config, first.access_token, first.claims().sub);
  assert.equal(info.name, person.name);
  assert.ok(!JSON.stringify(info).includes(person.document_number), 'no document number by scope');
});
await check('introspection', async () => {
  const facts = await oidc.tokenIntrospection(basic.config, first.access_token);
  assert.equal(facts.active, true);
  assert.equal(facts.client_id, clients.basic.client_id);
});
await check('refresh; a confidential client may use its refresh token again', async () => {
  for (let time = 0; time < 2; time += 1) {
    const next = await oidc.refreshTokenGrant(basic.config, first.refresh_token);
    assert.notEqual(next.access_token, first.access_token);
    if (next.id_token) assert.equal(next.claims().sub, first.claims().sub);
  }
});
await check('a second portal without login; client_secret_post; ES256; another subject', async () => {
  second = await enter(post, browser);
  assert.ok(!browser.asked.includes('login-submit'), `asked ${browser.asked}`);
  assert.equal(algorithm(second.id_token), 'ES256');
  assert.notEqual(second.claims().sub, first.claims().sub);
});
await check('prompt=none with a session enters silently', async () => {
  const silent = await enter(basic, browser, { prompt: 'none' });
  assert.deepEqual(browser.asked, []);
  assert.equal(silent.claims().sub, first.claims().sub);
});
await check('prompt=none without a session is login_required', async () => {
  await assert.rejects(enter(basic, new Browser(person), { prompt: 'none' }), refusedWith('login_required'));
});
await check('prompt=login asks again although there is a session', async () => {
  const again = await enter(basic, browser, { prompt: 'login', max_age: '0' });
  assert.ok(browser.asked.includes('login-submit'), `asked ${browser.asked}`);
  assert.ok(again.claims().auth_time >= first.claims().iat);
});
await check('a code works once', async () => {
  const verifier = oidc.randomPKCECodeVerifier();
  const url = oidc.buildAuthorizationUrl(post.config, {
    redirect_uri: post.redirect_uri, scope: 'openid', state: 'once', code_challenge_method: 'S256',
    code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
  });
  const callback = await browser.visit(url, post.redirect_uri);
  const redeem = () => oidc.authorizationCodeGrant(post.config, callback, { pkceCodeVerifier: verifier, expectedState: 'once' });
  await redeem();
  await assert.rejects(redeem(), refusedWith('invalid_grant'));
});
await check('revocation of an access token: dead at introspection and userinfo', async () => {
  await oidc.tokenRevocation(basic.config, first.access_token);
  assert.equal(await isActive(basic, first.access_token), false);
  await assert.rejects(oidc.fetchUserInfo(basic.config, first.access_token, first.claims().sub));
});
await check('revocation of a refresh token: no more access tokens', async () => {
  await oidc.tokenRevocation(basic.config, first.refresh_token);
  await assert.rejects(oidc.refreshTokenGrant(basic.config, first.refresh_token), refusedWith('invalid_grant'));
});
await check('a public client enters by PKCE alone and its refresh token rotates', async () => {
  held = await enter(app, browser);
  const next = await oidc.refreshTokenGrant(app.config, held.refresh_token);
  assert.ok(next.refresh_token && next.refresh_token !== held.refresh_token, 'a successor');
  const lost = await oidc.refreshTokenGrant(app.config, held.refresh_token);
  assert.equal(lost.refresh_token, next.refresh_token, 'the identical successor for a lost answer');
  held = { oldest: held.refresh_token, current: next.refresh_token };
});
await check('an older refresh token of a public client ends its family', async () => {
  const newest = await oidc.refreshTokenGrant(app.config, held.current);
  await assert.rejects(oidc.refreshTokenGrant(app.config, held.oldest), refusedWith('invalid_grant'));
  await assert.rejects(oidc.refreshTokenGrant(app.config, newest.refresh_token), refusedWith('invalid_grant'));
});
await check('client_credentials', async () => {
  const own = await oidc.clientCredentialsGrant(service.config);
  assert.ok(own.access_token && !own.refresh_token && !own.id_token);
});
await check('a wrong secret is invalid_client', async () => {
  const wrong = await portal('basic', oidc.ClientSecretBasic('not the secret'));
  const error = await oidc.refreshTokenGrant(wrong.config, 'x').catch((refusal) => refusal);
  // RFC 6749 §5.2: a client that used the Authorization header is challenged with that scheme.
  assert.equal(error.code, 'OAUTH_WWW_AUTHENTICATE_CHALLENGE');
  assert.equal(error.cause[0].scheme, 'basic');
  assert.equal((await error.response.json()).error, 'invalid_client');
});
await check('logout returns to the portal with its state and ends the session', async () => {
  const url = oidc.buildEndSessionUrl(post.config, {
    id_token_hint: second.id_token, post_logout_redirect_uri: post.redirect_uri, state: 'left',
  });
  const back = await browser.visit(url, post.redirect_uri);
  assert.equal(back.searchParams.get('state'), 'left');
  await assert.rejects(enter(basic, browser, { prompt: 'none' }), refusedWith('login_required'));
});

console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed ? 1 : 0;
