// Somebody used another's document first; then the owner registers.

import assert from 'node:assert/strict';
import { logIn, prove } from '../steps.mjs';

const SQUATTER = { phone: '13800000004', password: 'tongxing-demo' };

async function play({ arrive, demo }) {
  const squatter = await arrive({ language: 'zh-CN', screen: 'desktop' });
  squatter.is({ phone: SQUATTER.phone });
  await squatter.goto(new URL('/login', demo.zhejiang).href);
  await logIn(squatter, SQUATTER.phone, SQUATTER.password);
  await squatter.at('notice', '#consent-allow');
  await squatter.click('#consent-allow');
  await squatter.at('portal-entered', '#portal-logout');
  await squatter.goto(new URL('/account', demo.provider).href);
  await squatter.at('account-squatter', '#account-logout');
  assert.ok((await squatter.text()).includes('居民身份证'));

  const owner = await arrive({ language: 'zh-CN', screen: 'phone' });
  const person = owner.is(demo.newcomer('阿依古丽·吐尔逊'));
  await owner.goto(new URL('/register', demo.provider).href);
  await prove(owner, person);
  await owner.at('account-owner', '#account-logout');
  assert.ok((await owner.text()).includes('您的证件已转到本账号'));
  assert.ok((await owner.text()).includes('二级（L2）'));

  // Out everywhere, told, and without a document.
  await squatter.notice(SQUATTER, '更高等级的核验');
  await squatter.goto(new URL('/account', demo.provider).href);
  await squatter.at('login', '#login-submit');
  await logIn(squatter, SQUATTER.phone, SQUATTER.password);
  await squatter.at('account-without-document', '#account-logout');
  const left = await squatter.text();
  assert.ok(left.includes('没有证件') && left.includes('一份证件转到了别的账号'));
  assert.ok(!left.includes('浙江社会保险'), 'the grant is gone');
  // The owner is not called by the squatter's entry: another number at the portal.
  await owner.goto(new URL('/login', demo.zhejiang).href);
  await owner.at('notice', '#consent-allow');
}

export default [{ name: 'the squatter and the owner', play }];
