// Ending logins: one's own, another browser's, at a portal.

import assert from 'node:assert/strict';
import { logIn } from '../steps.mjs';

const RESIDENT = { name: '林晓雨', phone: '13800000001', password: 'tongxing-demo' };
const OTHER = { name: '古丽娜尔·买买提', phone: '13800000003', password: 'tongxing-demo' };

async function remotely({ arrive, demo }) {
  const account = new URL('/account', demo.provider).href;
  const [here, there, third] = [
    await arrive({ language: 'zh-CN', screen: 'phone' }),
    await arrive({ language: 'en', screen: 'desktop' }),
    await arrive({ language: 'zh-CN', screen: 'desktop' }),
  ];
  for (const visitor of [there, third, here]) {
    visitor.is(OTHER);
    await visitor.goto(account);
    await visitor.at('login', '#login-submit');
    await logIn(visitor, OTHER.phone, OTHER.password);
    await visitor.at('account-logins', '#account-logout');
  }
  assert.equal(await here.page.locator('.end-session').count(), 2);
  await here.click('.end-session >> nth=0');
  await here.at('account-logins', '#account-logout');
  assert.equal(await here.page.locator('.end-session').count(), 1);
  await here.click('#end-other-sessions');
  assert.equal(await here.page.locator('.end-session').count(), 0);
  for (const visitor of [there, third]) {
    await visitor.goto(account);
    await visitor.at('login-ended', '#login-notice');
  }
  await here.goto(account);
  await here.at('account-alone', '#account-logout');
}

/** A consent is taken back in my account; what is given by law has no button there. */
async function withdrawing({ arrive, demo }, settings) {
  const visitor = await arrive(settings);
  visitor.is(OTHER);
  await visitor.goto(new URL('/login', demo.zhejiang).href);
  await logIn(visitor, OTHER.phone, OTHER.password);
  await enter(visitor);
  await visitor.goto(new URL('/login', demo.guangdong).href);
  await enter(visitor);
  await visitor.goto(new URL('/account', demo.provider).href);
  await visitor.at('account-portals', '#withdraw-1');
  const buttons = visitor.page.locator('[id^=withdraw-]');
  assert.equal(await buttons.count(), 1);
  await visitor.click('[id^=withdraw-]');
  await visitor.at('account-withdrawn', '#account-done');
  assert.ok((await visitor.text('#account-done')).includes(visitor.reads('撤回', 'withdrawn')));
  assert.equal(await buttons.count(), 0);
  await visitor.goto(new URL('/login', demo.guangdong).href);
  await visitor.at('question-again', '#consent-allow');
}

async function atAPortal({ arrive, demo }) {
  const visitor = await arrive({ language: 'en', screen: 'phone', javaScript: false });
  visitor.is(RESIDENT);
  await visitor.goto(new URL('/login', demo.guangdong).href);
  await logIn(visitor, RESIDENT.phone, RESIDENT.password);
  await visitor.at('question', '#consent-allow');
  // Who says no is told so by the portal.
  await visitor.click('#consent-deny');
  await visitor.at('portal-declined', '#portal-login');
  assert.equal(visitor.page.url(), demo.guangdong);
  assert.equal(await visitor.page.locator('.alert').count(), 0);
  assert.ok((await visitor.text('#portal-notice')).includes('did not agree'));
  await visitor.click('#portal-login');
  await visitor.click('#consent-allow');
  await visitor.at('other-portal-entered', '#portal-logout');
  await visitor.goto(new URL('/login', demo.zhejiang).href);
  await visitor.at('notice', '#consent-allow');
  await visitor.click('#consent-allow');
  await visitor.at('portal-entered', '#portal-logout');
  await visitor.goto(demo.guangdong);
  await visitor.click('#portal-logout');
  await visitor.at('portal-left', '#portal-login');
  assert.ok((await visitor.text('[role=status]')).includes('logged out'));
  // What ends at one portal has ended at the other.
  await visitor.goto(demo.zhejiang);
  await visitor.at('portal-ended', '#portal-notice');
  assert.ok((await visitor.text('#portal-notice')).includes('ended here, too'));
  await visitor.goto(new URL('/login', demo.zhejiang).href);
  await visitor.at('login', '#login-submit');
}

/** A portal that does not hear delays nobody, is named, and is told once it hears again. */
async function withADeafPortal({ arrive, demo }) {
  const visitor = await arrive({ language: 'zh-CN', screen: 'phone' });
  visitor.is(RESIDENT);
  await demo.hear('deaf');
  try {
    await visitor.goto(new URL('/login', demo.guangdong).href);
    await logIn(visitor, RESIDENT.phone, RESIDENT.password);
    await enter(visitor);
    await visitor.goto(new URL('/login', demo.zhejiang).href);
    await enter(visitor);
    const began = Date.now();
    await visitor.click('#portal-logout');
    await visitor.at('left-unconfirmed', '#unconfirmed');
    const took = Date.now() - began;
    assert.ok(took < 10_000, `the last page took ${took} ms`);
    assert.ok((await visitor.text('#unconfirmed')).includes('广东'));
    await visitor.goto(new URL('/login', demo.zhejiang).href);
    await visitor.at('login', '#login-submit');
  } finally {
    await demo.hear('ok');
  }
  const until = Date.now() + 120_000;
  do {
    assert.ok(Date.now() < until, 'the portal is told when it hears again');
    await visitor.page.waitForTimeout(500);
    await visitor.goto(demo.guangdong);
  } while ((await visitor.page.locator('#portal-logout').count()) > 0);
  await visitor.at('portal-ended-later', '#portal-notice');
}

/** Through the consent or the notice, if it has not been seen before. */
async function enter(visitor) {
  await visitor.page.locator('#consent-allow, #portal-logout').first().waitFor();
  if ((await visitor.page.locator('#consent-allow').count()) > 0) await visitor.click('#consent-allow');
  await visitor.page.locator('#portal-logout').waitFor();
}

async function atTheProvider({ arrive, demo }) {
  const visitor = await arrive({ language: 'zh-CN', screen: 'desktop' });
  visitor.is(RESIDENT);
  await visitor.goto(new URL('/login', demo.provider).href);
  await logIn(visitor, RESIDENT.phone, RESIDENT.password);
  await visitor.goto(new URL('/logout', demo.provider).href);
  await visitor.at('logout', '#logout-confirm');
  await visitor.click('#logout-cancel');
  await visitor.at('logout-stayed', 'h1');
  await visitor.goto(demo.provider);
  await visitor.at('home-in', '#home-logout');
  await visitor.goto(new URL('/logout', demo.provider).href);
  await visitor.click('#logout-confirm');
  await visitor.at('logout-left', 'h1');
  await visitor.goto(new URL('/account', demo.provider).href);
  await visitor.at('login', '#login-submit');
}

export default [
  { name: 'other logins are ended from my account', play: remotely },
  { name: 'no, then yes, then out at a portal: en, no scripts', play: atAPortal },
  { name: 'logout with a portal that is deaf', play: withADeafPortal },
  { name: 'logout at the provider', play: atTheProvider },
  { name: 'a consent is taken back: zh-CN, phone', play: (stage) => withdrawing(stage, { language: 'zh-CN', screen: 'phone' }) },
  {
    name: 'a consent is taken back: en, desktop, no scripts',
    play: (stage) => withdrawing(stage, { language: 'en', screen: 'desktop', javaScript: false }),
  },
];
