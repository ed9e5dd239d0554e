// The pictures that documents show, each of one step of the story. Not played with the others: see
// `--pictures` in run.mjs.

import { claim, logIn, prove } from '../steps.mjs';

const pictures = (language, name) => async ({ arrive, demo }) => {
  const phone = await arrive({ language, screen: 'handset', glances: true });
  const person = demo.newcomer(name);
  await phone.goto(demo.zhejiang);
  await phone.click('#portal-login');
  await phone.at('login', '#login-submit');
  await phone.picture('login');
  await phone.click('a[href^="/register"]');
  await prove(phone, person);
  await phone.click('#consent-allow');
  await claim(phone, 'sub');
  await phone.click('#portal-next');
  await phone.at('question', '#consent-allow');
  await phone.picture('second-portal');
  await phone.click('#consent-allow');
  await claim(phone, 'sub');

  const desk = await arrive({ language, screen: 'desk', glances: true });
  await desk.goto(demo.zhejiang);
  await desk.click('#portal-login');
  await logIn(desk, person.phone, person.password);
  await desk.at('portal-entered', '#portal-logout');
  await desk.picture('portal-entered', 'section[aria-labelledby=claims]');
  await desk.goto(new URL('/account', demo.provider).href);
  await desk.at('account', '#account-logout');
  await desk.picture('account');

  await phone.goto(demo.zhejiang);
  await phone.click('#portal-logout');
  await phone.at('portal-left', '#portal-login');
  await phone.goto(demo.guangdong);
  await phone.at('portal-ended', '#portal-notice');
  await phone.picture('left-everywhere');
};

// Two people, since both register.
export default [
  { name: 'the pictures of the documents in Chinese', play: pictures('zh-CN', '沈知遥') },
  { name: 'the pictures of the documents in English', play: pictures('en', '陳嘉欣') },
];
