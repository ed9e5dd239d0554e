// Plays the stories of tests/browser in Chromium, against `tongxing demo` in a temporary folder.
//
//     node tests/browser/run.mjs [--binary PATH] [--chromium PATH] [NAME…]
//     node tests/browser/run.mjs [--binary PATH] [--chromium PATH] --pictures docs/pictures
//
// The second makes the pictures of the documents anew, in both languages, and plays nothing else.
// NAMEs choose stories by parts of their names. Pictures of every page go to the folder that
// TONGXING_SCREENSHOTS names, else to the temporary one. Prints a line a story and
// `N passed, M failed` last; exits 1 when anything failed.

import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { chromium } from 'playwright-core';

import { start } from './demo.mjs';
import { Visitor } from './visitor.mjs';
import registering from './stories/registering.mjs';
import codes from './stories/codes.mjs';
import outcomes from './stories/outcomes.mjs';
import recovering from './stories/recovering.mjs';
import takeover from './stories/takeover.mjs';
import leaving from './stories/leaving.mjs';
import guessing from './stories/guessing.mjs';
import reading from './stories/reading.mjs';
import watching from './stories/watching.mjs';
import whole from './stories/whole.mjs';
import pictured from './stories/pictures.mjs';

const STORY_WITHIN_MS = 240_000;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    binary: { type: 'string', default: 'target/release/tongxing' },
    chromium: { type: 'string', default: '/usr/bin/chromium' },
    pictures: { type: 'string' },
  },
});

const stories = [registering, codes, outcomes, recovering, takeover, leaving, guessing, reading, watching, whole].flat();
const all = values.pictures ? pictured : stories;
const chosen = all.filter(({ name }) => positionals.every((part) => name.includes(part)));

/** Plays one story; whoever it lets arrive leaves in the end. */
async function play(stage, story) {
  const visitors = [];
  const arrive = async (settings) => {
    const visitor = await Visitor.arrive(stage, settings);
    visitors.push(visitor);
    return visitor;
  };
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error('takes too long')), STORY_WITHIN_MS);
  });
  try {
    // Whoever arrives apart leaves when the story says so.
    const apart = (settings) => Visitor.arrive(stage, settings);
    await Promise.race([story.play({ arrive, apart, demo: stage.demo }), late]);
    for (const visitor of visitors) await visitor.leave();
  } catch (error) {
    for (const visitor of visitors) await visitor.giveUp(story.name);
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

const folder = await mkdtemp(join(tmpdir(), 'tongxing-browser-'));
const pictures = process.env.TONGXING_SCREENSHOTS ? resolve(process.env.TONGXING_SCREENSHOTS) : join(folder, 'pictures');
await mkdir(pictures, { recursive: true });
let passed = 0;
let failed = 0;
const told = (fine, what) => {
  if (fine) passed += 1;
  else failed += 1;
  console.log(`${fine ? 'PASS' : 'FAIL'} ${what}`);
};
let demo;
let browser;
try {
  demo = await start(resolve(values.binary), folder);
  // Debian's Chromium refuses root its sandbox; only our own pages are opened.
  browser = await chromium.launch({ executablePath: values.chromium, args: ['--no-sandbox', '--disable-dev-shm-usage'] });
  const album = values.pictures && resolve(values.pictures);
  const stage = { demo, chromium: browser, pictures, album, codes: new Set() };
  for (const story of chosen) {
    const began = Date.now();
    const seconds = () => `(${((Date.now() - began) / 1000).toFixed(1)} s)`;
    await play(stage, story).then(
      () => told(true, `${story.name} ${seconds()}`),
      (error) => told(false, `${story.name} ${seconds()}: ${error.message}`),
    );
  }
} catch (error) {
  told(false, error.message);
} finally {
  await browser?.close();
  if (demo) told(await demo.stop(), 'the demo ends without complaint');
  await rm(folder, { recursive: true, force: true });
}
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed > 0 || passed === 0 ? 1 : 0);
