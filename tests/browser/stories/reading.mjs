// Pages that are only read: where the demo starts, the phone, what the provider says of itself.

import assert from 'node:assert/strict';

const DOCUMENTS = {
  privacy: '/docs/privacy',
  errors: '/docs/errors/',
  error: '/docs/errors/access_denied',
  none: '/none',
};

async function play({ arrive, demo }) {
  const [close, glance] = [{ glances: false }, { glances: true }];
  for (const [language, screen, how] of [
    ['zh-CN', 'phone', close], ['en', 'desktop', close], ['zh-CN', 'desktop', glance], ['en', 'phone', glance],
  ]) {
    const visitor = await arrive({ language, screen, ...how });
    await visitor.goto(demo.start);
    await visitor.at('start', '#start-phone');
    const told = await visitor.text();
    for (const name of ['林晓雨', '沈知遥', '阿依古丽·吐尔逊', '陳嘉欣']) assert.ok(told.includes(name), name);
    assert.ok(told.includes('/behavior') && told.includes('13800000004'));
    await visitor.click('#start-phone');
    await visitor.at('phone-all', '#phone-again');
    await visitor.click('#phone-refresh');
    await visitor.click('.choices a >> nth=-1');
    assert.equal(new URL(visitor.page.url()).search, '?to=0004&refresh=off');
    await visitor.goto(demo.guangdong);
    await visitor.at('other-portal', '#portal-login');
    await visitor.goto(demo.provider);
    await visitor.at('home', 'a[href^="/login"]');
    for (const [name, path] of Object.entries(DOCUMENTS)) {
      await visitor.goto(new URL(path, demo.provider).href);
      await visitor.at(name, 'h1');
    }
    await visitor.goto(new URL('/oauth2/authorize?client_id=nobody', demo.provider).href);
    await visitor.at('request-refused', '#error-code');
  }
}

export default [{ name: 'pages that are read', play }];
