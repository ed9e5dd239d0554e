// Wrong passwords, and the wait that follows them.

import assert from 'node:assert/strict';
import { logIn } from '../steps.mjs';

// Nobody's phone: an unknown name waits as a known one does, and nobody here is kept waiting.
const NOBODY = { 'zh-CN': '13912345678', en: '13912345679' };

const guess = (settings) => async ({ arrive, demo }) => {
  const visitor = await arrive(settings);
  await visitor.goto(new URL('/login', demo.provider).href);
  await logIn(visitor, NOBODY[settings.language], 'not the password');
  await visitor.at('login-wrong', '#login-problem');
  // Delays double, so that they show on the slowest machine, too.
  for (let more = 0; more < 20 && !(await visitor.shows('#login-throttled-recover')); more += 1) {
    await logIn(visitor, NOBODY[settings.language], 'not the password');
  }
  await visitor.at('login-throttled', '#login-throttled-recover');
  assert.equal(await visitor.page.inputValue('#username'), NOBODY[settings.language]);
  await visitor.click('#login-throttled-recover');
  await visitor.at('recover', '#recover-submit');
};

export default [
  {
    name: 'too many wrong passwords: zh-CN, phone',
    play: guess({ language: 'zh-CN', screen: 'phone' }),
  },
  {
    name: 'too many wrong passwords: en, desktop, no scripts',
    play: guess({ language: 'en', screen: 'desktop', javaScript: false }),
  },
];
