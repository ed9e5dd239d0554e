// Register on the way into one portal, then enter the other without a login: in both languages,
// with scripts and without, on a phone and on a desk.

import assert from 'node:assert/strict';
import { claim, fields, prove } from '../steps.mjs';

const MOST_FIELDS = 7;

async function play({ arrive, demo }, settings) {
  const visitor = await arrive(settings);
  const person = visitor.is(await demo.person());

  await visitor.goto(demo.zhejiang);
  await visitor.at('portal', '#portal-login');
  await visitor.click('#portal-login');
  await visitor.at('login', '#login-submit');
  await visitor.click('a[href^="/register"]');
  await visitor.at('register', '#register-submit');
  assert.ok((await visitor.text('.lead')).includes(visitor.reads('浙江社会保险', 'Zhejiang Social Insurance')));
  const seen = await fields(visitor);
  await prove(visitor, person);
  // The form's fields, and the code.
  assert.ok(seen + 1 <= MOST_FIELDS, `${seen + 1} fields`);

  // Told once, on a statutory duty; then in.
  await visitor.at('notice', '#consent-allow');
  assert.ok((await visitor.text()).includes(visitor.reads('无需您同意', 'statutory duty')));
  await visitor.click('#consent-allow');
  await visitor.at('portal-entered', '#portal-logout');
  assert.equal(visitor.page.url(), demo.zhejiang);
  const shown = await visitor.text();
  assert.ok(shown.includes(person.name) && shown.includes(person.phone) && !shown.includes(person.number));
  assert.equal(await claim(visitor, 'ial'), '2');
  const subject = await claim(visitor, 'sub');

  // The other portal: no login, one question.
  await visitor.click('#portal-next');
  await visitor.at('question', '#consent-allow');
  assert.ok(!(await visitor.shows('#login-submit')));
  await visitor.click('#consent-allow');
  await visitor.at('other-portal-entered', '#portal-logout');
  assert.equal(visitor.page.url(), demo.guangdong);
  const other = await visitor.text();
  assert.ok(other.includes(person.name) && !other.includes(person.phone) && !other.includes(person.number));
  assert.notEqual(await claim(visitor, 'sub'), subject);

  // Silent from now on.
  await visitor.goto(new URL('/login', demo.zhejiang).href);
  assert.equal(visitor.page.url(), demo.zhejiang);
  await visitor.at('portal-entered', '#portal-logout');
}

const stories = [];
for (const language of ['zh-CN', 'en']) {
  for (const javaScript of [true, false]) {
    for (const screen of ['phone', 'desktop']) {
      stories.push({
        name: `register and enter two portals: ${language}, ${screen}, ${javaScript ? 'scripts' : 'no scripts'}`,
        play: (stage) => play(stage, { language, javaScript, screen }),
      });
    }
  }
}

stories.push({
  name: 'register and enter two portals: zh-CN, phone, in the dark',
  play: (stage) => play(stage, { language: 'zh-CN', screen: 'phone', colors: 'dark' }),
});

export default stories;
