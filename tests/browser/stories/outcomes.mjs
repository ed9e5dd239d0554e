// What a registration says that does not come to its end at once.

import assert from 'node:assert/strict';
import { apply, prove, registerDirectly } from '../steps.mjs';

const register = (visitor) => visitor.goto(new URL('/register', visitor.stage.demo.provider).href);

async function otherPhone({ arrive, demo }) {
  const visitor = await arrive({ language: 'en', screen: 'phone' });
  const [person, other] = [await demo.person(), await demo.person()];
  visitor.is(person);
  await register(visitor);
  await prove(visitor, { ...person, phone: other.phone });
  await visitor.at('not-verified', 'h2');
  assert.ok((await visitor.text()).includes('did not confirm'));
  assert.ok(await visitor.shows('a[href^="/register"]'));
}

async function again({ arrive, demo }) {
  const first = await arrive({ language: 'zh-CN', screen: 'desktop' });
  const person = await demo.person();
  await registerDirectly(first, person);
  const second = await arrive({ language: 'zh-CN', screen: 'phone' });
  second.is(person);
  await register(second);
  await prove(second, person);
  await second.at('already-registered', 'a[href^="/recover"]');
  assert.ok(await second.shows('a[href^="/login"]'));
}

async function unavailable({ arrive, demo }) {
  const visitor = await arrive({ language: 'zh-CN', screen: 'phone' });
  const person = visitor.is(await demo.person());
  await register(visitor);
  await demo.behave('down');
  try {
    await prove(visitor, person);
    await visitor.at('authority-unavailable', '#retry-submit');
    await visitor.click('#retry-submit');
    await visitor.at('authority-unavailable', '#retry-submit');
  } finally {
    await demo.behave('ok');
  }
  // What was typed and confirmed is still there.
  await visitor.click('#retry-submit');
  await visitor.at('account-new', '#account-logout');
}

async function mistakes({ arrive, demo }) {
  for (const language of ['zh-CN', 'en']) {
    const visitor = await arrive({ language, screen: 'phone' });
    const person = visitor.is(demo.newcomer('沈知遥'));
    await register(visitor);
    const number = person.number.slice(0, -1) + (person.number.endsWith('1') ? '2' : '1');
    await apply(visitor, { ...person, number, phone: '123', password: 'short' });
    await visitor.at('register-mistakes', '.alert a[href="#register-phone"]');
    assert.ok(await visitor.shows('.alert a[href="#register-document-number"]'));
    assert.equal(await visitor.page.inputValue('#register-name'), person.name);
    assert.equal(await visitor.page.inputValue('#register-password'), '');
  }
}

/** What is refused before any page is asked for looks like one all the same, and leads back. */
async function tooLarge({ arrive, demo }) {
  const visitor = await arrive({ language: 'zh-CN', screen: 'phone' });
  await visitor.goto(new URL('/login', demo.provider).href);
  await visitor.page.evaluate(() => document.querySelector('#username').removeAttribute('maxlength'));
  await visitor.fill({ username: 'x'.repeat(70_000), password: 'x' });
  await visitor.click('#login-submit');
  await visitor.at('refused', '#error-code');
  assert.ok((await visitor.text()).includes('req_'));
  await visitor.click('.button');
  await visitor.at('login', '#login-submit');
}

export default [
  { name: 'a phone of somebody else is not verified', play: otherPhone },
  { name: 'who is registered is told to log in', play: again },
  { name: 'the authority does not answer, and then it does', play: unavailable },
  { name: 'mistakes in the form', play: mistakes },
  { name: 'a form that is too large', play: tooLarge },
];
