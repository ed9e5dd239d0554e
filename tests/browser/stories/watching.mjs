// The watch itself: a page that is not in order is seen, or the other stories would show nothing.

import assert from 'node:assert/strict';

const HEAD = '<!doctype html><html lang="zh-CN"><title>x</title>';

async function faulty(visitor, html, expected) {
  await visitor.page.setContent(HEAD + html);
  await assert.rejects(visitor.at(`watch-${expected.source}`, 'h1'), expected, `${expected} goes unseen`);
}

async function pages({ arrive }) {
  const visitor = await arrive({ language: 'zh-CN', screen: 'phone' });
  await faulty(visitor, '<h1>x</h1><h1>y</h1>', /one h1/);
  await faulty(visitor, '<h1>x</h1><p style="width:400px">x</p>', /360 at most/);
  await faulty(visitor, '<main><h1>x</h1><p style="color:#ccc;background:#fff">pale words</p></main>', /color-contrast/);
  await faulty(visitor, '<main><h1>x</h1><input style="height:44px;width:44px"></main>', /label/);
  await faulty(visitor, '<main><h1>x</h1><p><button>y</button></p></main>', /how it lies/);
  await faulty(visitor, '<main><h1>x</h1><p style="margin-top:-3rem">words</p></main>', /one over the other/);
  await faulty(visitor, '<main><h1>x</h1><p style="height:9px;overflow:hidden">two<br>lines</p></main>', /cut off/);
  const wide = '<style>.large p{width:40rem}</style><main><h1>x</h1><p>words</p></main>';
  await faulty(visitor, wide, /in large text at 360 px/);
}

async function leaving(visitor, act, expected) {
  await visitor.goto(visitor.stage.demo.start);
  await act();
  await assert.rejects(visitor.leave(), expected);
}

async function complaints({ apart, demo }) {
  const person = demo.newcomer('沈知遥');
  const first = await apart({});
  first.is(person);
  await leaving(first, () => first.goto(`${demo.start}?who=${person.phone}`), /something personal/);
  const second = await apart({});
  await leaving(second, () => second.page.evaluate(() => {
    const script = document.createElement('script');
    script.textContent = '1';
    document.body.append(script);
  }), /Content Security Policy/);
}

export default [
  { name: 'the watch sees a page that is not in order', play: pages },
  { name: 'the watch sees what the browser and its addresses say', play: complaints },
];
