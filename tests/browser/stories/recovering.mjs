// The password is forgotten.

import assert from 'node:assert/strict';
import { logIn, prove, registerDirectly } from '../steps.mjs';

async function recover({ arrive, demo }, settings) {
  const phone = await arrive(settings);
  const person = await demo.person();
  await registerDirectly(phone, person);

  const computer = await arrive(settings);
  const renewed = computer.is({ ...person, password: 'another long way home' });
  await computer.goto(new URL('/login', demo.provider).href);
  await computer.at('login', '#login-submit');
  await computer.click('a[href^="/recover"]');
  await computer.at('recover', '#recover-submit');
  await prove(computer, renewed, 'recover');
  await computer.at('account-recovered', '#account-logout');
  await computer.notice(person, computer.reads('新密码', 'new password'));

  // The login of before has ended, and the password of before with it.
  await phone.goto(new URL('/account', demo.provider).href);
  await phone.at('login-ended', '#login-notice');
  await logIn(phone, person.phone, person.password);
  await phone.at('login-refused', '#login-problem');
  await logIn(phone, person.phone, renewed.password);
  await phone.at('account-recovered', '#account-logout');
}

/** Whoever was checked at a counter is sent there. */
async function counter({ arrive, demo }) {
  const visitor = await arrive({ language: 'zh-CN', screen: 'phone' });
  const person = {
    name: '欧阳明',
    type: 'resident_id_card',
    number: '440199198511070015',
    phone: '13800000002',
    password: 'another long way home',
  };
  visitor.is(person);
  await visitor.goto(new URL('/recover', demo.provider).href);
  await prove(visitor, person, 'recover');
  await visitor.at('recover-counter', 'h2');
  assert.ok((await visitor.text()).includes('请到服务窗口找回'));
}

export default [
  { name: 'recovery on another computer: zh-CN', play: (stage) => recover(stage, { language: 'zh-CN', screen: 'desktop' }) },
  {
    name: 'recovery on another phone: en, no scripts',
    play: (stage) => recover(stage, { language: 'en', screen: 'phone', javaScript: false }),
  },
  { name: 'who was checked at a counter recovers there', play: counter },
];
