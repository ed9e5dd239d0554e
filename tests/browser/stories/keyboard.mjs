// The whole registration by Tab and Enter alone, as one of the demo's own newcomers.

import assert from 'node:assert/strict';

const MOST_STEPS = 40;

/** Goes on by Tab until the focus is on the element of this id, or on a link to this address. */
async function reach(page, { id, link }) {
  for (let step = 0; step < MOST_STEPS; step += 1) {
    const focused = await page.evaluate(() => {
      const { id, tagName } = document.activeElement;
      return { id, href: tagName === 'A' ? document.activeElement.getAttribute('href') : '' };
    });
    if (id ? focused.id === id : focused.href.startsWith(link)) return;
    await page.keyboard.press('Tab');
  }
  assert.fail(`Tab does not lead to ${id ?? link}`);
}

async function enter(page) {
  await Promise.all([page.waitForEvent('load'), page.keyboard.press('Enter')]);
}

async function play({ arrive, demo }) {
  const visitor = await arrive({ language: 'zh-CN', screen: 'desktop' });
  const { page } = visitor;
  const person = visitor.is(demo.newcomer('陳嘉欣'));
  await visitor.goto(demo.zhejiang);
  await reach(page, { id: 'portal-login' });
  await enter(page);
  await reach(page, { link: '/register' });
  await enter(page);
  const typed = { 'register-name': person.name, 'register-document-number': person.number, 'register-phone': person.phone };
  await reach(page, { id: 'register-name' });
  await page.keyboard.type(person.name);
  await reach(page, { id: 'register-document-type' });
  // A list goes by its first characters: 港澳台居民居住证 is the next one down.
  await page.keyboard.press('ArrowDown');
  for (const id of ['register-document-number', 'register-phone']) {
    await reach(page, { id });
    await page.keyboard.type(typed[id]);
  }
  await reach(page, { id: 'register-password' });
  await page.keyboard.type(person.password);
  assert.equal(await page.inputValue('#register-document-type'), person.type);
  await enter(page);
  const code = await visitor.code(person);
  await page.bringToFront();
  // The page puts the focus where the code goes.
  await reach(page, { id: 'otp-code' });
  await page.keyboard.type(code);
  await enter(page);
  await reach(page, { id: 'consent-allow' });
  await enter(page);
  await visitor.at('portal-entered', '#portal-logout');
  assert.ok((await visitor.text()).includes(person.name));
}

export default [{ name: 'register by the keyboard alone', play }];
