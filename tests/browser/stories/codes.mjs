// Wrong codes, another code, and a change of language on the way.

import assert from 'node:assert/strict';
import { apply, confirm } from '../steps.mjs';

async function begin(visitor) {
  const person = visitor.is(await visitor.stage.demo.person());
  await visitor.goto(new URL('/register', visitor.stage.demo.provider).href);
  await apply(visitor, person);
  await visitor.at('register-code', '#otp-code');
  return person;
}

async function wrongCodes({ arrive }) {
  const visitor = await arrive({ language: 'zh-CN', screen: 'phone' });
  const person = await begin(visitor);
  const code = await visitor.code(person);
  const wrong = code === '123456' ? '654321' : '123456';
  for (let tries = 4; tries > 0; tries -= 1) {
    await confirm(visitor, wrong);
    await visitor.at('code-wrong', '#otp-problem');
    assert.ok((await visitor.text('#otp-problem')).includes(`还可以再试 ${tries} 次`));
  }
  // The fifth ends the code: the right one does not help any more, another does.
  await confirm(visitor, wrong);
  await visitor.at('code-spent', '#otp-again');
  assert.ok(!(await visitor.shows('#otp-code')));
  await visitor.click('#otp-again');
  await visitor.at('code-resend', '#otp-resend');
  await visitor.click('#otp-resend');
  await visitor.at('register-code', '#otp-code');
  await confirm(visitor, code);
  await visitor.at('code-wrong', '#otp-problem');
  await confirm(visitor, await visitor.code(person));
  await visitor.at('account-new', '#account-logout');
}

async function languages({ arrive }) {
  const visitor = await arrive({ language: 'zh-CN', javaScript: false, screen: 'desktop' });
  const person = await begin(visitor);
  const challenge = new URL(visitor.page.url()).searchParams.get('challenge');
  await visitor.click('a[hreflang=en]');
  const switched = new URL(visitor.page.url());
  assert.equal(switched.searchParams.get('challenge'), challenge);
  assert.equal(await visitor.page.getAttribute('html', 'lang'), 'en');
  // The very code that was sent before.
  await confirm(visitor, await visitor.code(person));
  await visitor.page.locator('#account-logout').waitFor();
  assert.equal(await visitor.page.getAttribute('html', 'lang'), 'en');
}

export default [
  { name: 'wrong codes, then another', play: wrongCodes },
  { name: 'a change of language keeps the challenge', play: languages },
];
