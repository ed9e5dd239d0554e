// The whole story, for whoever uses no pointer, needs large text, or has magnified the page: register
// on the way into a portal, enter another, look at the account, leave everywhere, log in, recover.

import assert from 'node:assert/strict';
import { claim, logIn, prove } from '../steps.mjs';

async function play({ arrive, demo }, settings) {
  const visitor = await arrive(settings);
  const person = visitor.is(await demo.person());
  const provider = (path) => new URL(path, demo.provider).href;

  await visitor.goto(demo.zhejiang);
  await visitor.at('portal', '#portal-login');
  await visitor.click('#portal-login');
  await visitor.at('login', '#login-submit');
  // The request is still there, however the page is read.
  assert.ok((await visitor.text('.lead')).includes(visitor.reads('浙江社会保险', 'Zhejiang Social Insurance')));
  await visitor.click('a[href^="/register"]');
  await visitor.at('register', '#register-submit');
  await prove(visitor, person);
  await visitor.at('notice', '#consent-allow');
  await visitor.click('#consent-allow');
  await visitor.at('portal-entered', '#portal-logout');
  const subject = await claim(visitor, 'sub');
  await visitor.click('#portal-next');
  await visitor.at('question', '#consent-allow');
  await visitor.click('#consent-allow');
  await visitor.at('other-portal-entered', '#portal-logout');
  assert.notEqual(await claim(visitor, 'sub'), subject);

  await visitor.goto(demo.provider);
  await visitor.at('home-in', '#home-logout');
  await visitor.click('main a[href="/account"]');
  await visitor.at('account', '#account-logout');
  assert.equal(await visitor.page.locator('#portals + ul li').count(), 2);

  await visitor.goto(demo.guangdong);
  await visitor.click('#portal-logout');
  await visitor.at('portal-left', '#portal-login');
  await visitor.goto(demo.zhejiang);
  await visitor.at('portal-ended', '#portal-notice');
  await visitor.click('#portal-login');
  await visitor.at('login', '#login-submit');
  await logIn(visitor, person.phone, 'not the password');
  await visitor.at('login-wrong', '#login-problem');
  await logIn(visitor, person.phone, person.password);
  await visitor.at('portal-entered', '#portal-logout');
  await visitor.goto(provider('/account'));
  await visitor.click('#account-logout');
  await visitor.at('logout-left', 'h1');

  await visitor.goto(provider('/login'));
  await visitor.click('a[href^="/recover"]');
  await visitor.at('recover', '#recover-submit');
  await prove(visitor, visitor.is({ ...person, password: 'another long way home' }), 'recover');
  await visitor.at('account-recovered', '#account-logout');
}

export default [
  ['by the keyboard alone: zh-CN', { language: 'zh-CN', screen: 'desktop', hands: 'keyboard' }],
  ['by the keyboard alone at 200 %: en', { language: 'en', screen: 'zoomed', hands: 'keyboard' }],
  ['at 200 %: zh-CN', { language: 'zh-CN', screen: 'zoomed' }],
  ['in large text on a phone: zh-CN', { language: 'zh-CN', screen: 'phone', text: 'large' }],
  ['in large text on a phone by the keyboard alone: en', { language: 'en', screen: 'phone', text: 'large', hands: 'keyboard' }],
  ['in large text on a phone: en, no scripts', { language: 'en', screen: 'phone', text: 'large', javaScript: false }],
].map(([name, settings]) => ({ name: `the whole story ${name}`, play: (stage) => play(stage, settings) }));
