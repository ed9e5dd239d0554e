// Somebody at a browser. Whatever they do, the same is watched: that no address carries anything
// personal, that the browser has nothing to complain of, that each page fits the screen (a narrow
// one with large letters, too), can be read aloud, and looks as it looks.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';

import { HANDS } from './hands.mjs';
import { faults } from './layout.mjs';
import { small } from './png.mjs';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const PATIENCE_MS = 20_000;
const MESSAGE_WITHIN_MS = 10_000;
const LARGEST_PICTURE = 90 * 1024;
const BELOW_THE_LAST = 32;

export const SCREENS = {
  phone: { viewport: { width: 360, height: 780 } },
  desktop: { viewport: { width: 1280, height: 900 } },
  // What is left of the desktop at 200 %.
  zoomed: { viewport: { width: 640, height: 450 }, deviceScaleFactor: 2 },
  // For pictures to show around.
  handset: {
    viewport: { width: 390, height: 844 },
    deviceScaleFactor: 2,
    userAgent: 'Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0 Mobile Safari/537.36',
  },
  desk: { viewport: { width: 1120, height: 720 }, deviceScaleFactor: 1.25 },
};

/** How else each page must fit: as wide as the narrowest phone (or 1280 px at 400 %), and as wide as
 *  a common one in large text. */
const NARROW = [
  { what: 'at 320 px', width: 320, large: false },
  { what: 'in large text at 360 px', width: 360, large: true },
];

/** What axe found nothing wrong with, so that the same page is judged once. */
const judged = new Set();

export class Visitor {
  #context;
  #settings;
  #complaints = [];
  #secrets = [];
  #urls = [];
  #enlarged = new Set();
  #navigations = new Set();

  /** `settings`: language, javaScript, screen, colors, text (size), hands; `glances` looks at no page
   *  closely. */
  static async arrive(stage, settings = {}) {
    const visitor = new Visitor();
    const usual = { language: 'zh-CN', javaScript: true, screen: 'desktop', colors: 'light', text: 'normal', hands: 'pointer' };
    visitor.#settings = { ...usual, ...settings };
    const { language, javaScript, screen, colors } = visitor.#settings;
    visitor.stage = stage;
    visitor.#context = await stage.chromium.newContext({
      locale: language,
      javaScriptEnabled: javaScript,
      ...SCREENS[screen],
      colorScheme: colors,
      timezoneId: 'Asia/Shanghai',
      reducedMotion: 'reduce',
    });
    visitor.#context.setDefaultTimeout(PATIENCE_MS);
    visitor.page = await visitor.#open();
    return visitor;
  }

  get language() {
    return this.#settings.language;
  }

  /** Which of two texts this visitor reads. */
  reads(chinese, english) {
    return this.language === 'zh-CN' ? chinese : english;
  }

  async #open() {
    const page = await this.#context.newPage();
    page.on('request', (request) => {
      this.#urls.push(request.url());
      if (request.isNavigationRequest()) this.#navigations.add(request.url());
    });
    page.on('pageerror', (error) => this.#complaints.push(`error in a page: ${error.message}`));
    page.on('console', (message) => {
      // The browser says so of every page with a status from 400, whatever it shows.
      const told = message.text().startsWith('Failed to load resource: the server responded with a status of 4');
      if (told && this.#navigations.has(message.location().url)) return;
      if (['error', 'warning'].includes(message.type())) {
        this.#complaints.push(`${message.type()}: ${message.text()} at ${message.location().url}`);
      }
    });
    return page;
  }

  /** From now on nothing of this person may be in any address. */
  is(person) {
    const all = [person.name, person.number, person.phone, person.password];
    this.#secrets.push(...all.filter(Boolean), ...all.filter(Boolean).map(encodeURIComponent));
    return person;
  }

  async goto(url) {
    await this.page.goto(url);
  }

  get #hands() {
    return HANDS[this.#settings.hands];
  }

  async click(selector) {
    await this.page.bringToFront();
    await Promise.all([
      this.page.waitForEvent('load'),
      this.#hands.follow(this.page.locator(selector)),
    ]);
  }

  async fill(fields) {
    await this.page.bringToFront();
    for (const [id, value] of Object.entries(fields)) {
      await this.#hands.fill(this.page.locator(`[id="${id}"]`), value);
    }
  }

  async choose(selector, value) {
    await this.page.bringToFront();
    await this.#hands.choose(this.page.locator(selector), value);
  }

  async shows(selector) {
    return (await this.page.locator(selector).count()) > 0;
  }

  async text(selector = 'main') {
    return this.page.locator(selector).first().innerText();
  }

  /** The page at hand is the one that shows `selector`, and is in order. `name` is its picture's. */
  async at(name, selector, page = this.page) {
    await page.locator(selector).first().waitFor();
    if (page === this.page && this.#settings.text === 'large') {
      await this.#enlarges();
      await page.locator(selector).first().waitFor();
    }
    await this.#looksWell(name, page);
  }

  /** Chooses large text, once at each site: it is remembered there. */
  async #enlarges() {
    if ((await this.page.locator('html.large').count()) > 0) return;
    const { origin } = new URL(this.page.url());
    assert.ok(!this.#enlarged.has(origin), `${this.page.url()} has forgotten how large the text is`);
    this.#enlarged.add(origin);
    await this.click('#text-size');
    await this.page.locator('html.large').waitFor();
  }

  async #looksWell(name, page) {
    const { language, screen, javaScript, colors, text, glances } = this.#settings;
    const title = [name, language, screen, colors === 'dark' && 'dark', text === 'large' && 'large'].filter(Boolean).join('.');
    const facts = await page.evaluate(() => ({
      language: document.documentElement.lang,
      headings: document.querySelectorAll('h1').length,
      title: document.title,
    }));
    assert.equal(facts.language, language, `${title}: the language of the page`);
    assert.equal(facts.headings, 1, `${title}: one h1`);
    assert.ok(facts.title.trim(), `${title}: a title`);
    await this.#fits(title, page);
    if (!javaScript || glances || judged.has(title)) return;
    judged.add(title);
    await page.screenshot({ path: join(this.stage.pictures, `${title}.png`), fullPage: true });
    await this.#canBeRead(title, page);
    const { width, height } = page.viewportSize();
    for (const { what, width: narrow, large } of text === 'large' ? [] : NARROW) {
      await page.setViewportSize({ width: narrow, height });
      await page.evaluate((large) => document.documentElement.classList.toggle('large', large), large);
      await this.#fits(`${title} ${what}`, page);
      if (large && screen === 'phone') await this.#canBeRead(`${title} ${what}`, page);
    }
    if (text !== 'large') await page.evaluate(() => document.documentElement.classList.remove('large'));
    await page.setViewportSize({ width, height });
  }

  /** Nothing lies beyond the screen's edge, over something else, or is too small to press. */
  async #fits(title, page) {
    const { width, room } = await page.evaluate(() => ({
      width: document.documentElement.scrollWidth,
      room: document.documentElement.clientWidth,
    }));
    assert.ok(width <= room, `${title}: ${width} wide, ${room} at most`);
    assert.deepEqual(await page.evaluate(faults), [], `${title}: how it lies`);
  }

  async #canBeRead(title, page) {
    await page.evaluate(AXE);
    const { violations } = await page.evaluate(() => axe.run(document, { resultTypes: ['violations'] }));
    const told = violations.map((violation) => {
      const places = violation.nodes.map((node) => `${node.target.join(' ')} ${node.html.slice(0, 120)}`);
      return `${violation.id}: ${violation.help} (${places.join('; ')})`;
    });
    assert.deepEqual(told, [], `${title}: what axe says`);
  }

  /** A picture of a page to show around, in the folder of the visitor's language below the one that
   *  `--pictures` names: the whole of it, or as far as the element that `last` selects. */
  async picture(name, last) {
    await this.page.bringToFront();
    const folder = join(this.stage.album, this.language);
    await mkdir(folder, { recursive: true });
    const path = join(folder, `${name}.png`);
    const { width } = this.page.viewportSize();
    const end = last && (await this.page.locator(last).boundingBox());
    const clip = end && { x: 0, y: 0, width, height: Math.ceil(end.y + end.height) + BELOW_THE_LAST };
    const picture = small(await this.page.screenshot({ fullPage: true, ...(clip && { clip }) }));
    assert.ok(picture.length <= LARGEST_PICTURE, `${name}: ${picture.length} bytes`);
    await writeFile(path, picture);
  }

  /** The code that has arrived on a phone and was not used yet. */
  async code(person) {
    const found = await this.#onPhone(person, async (messages) => {
      const codes = await messages.locator('.otp').allInnerTexts();
      return codes.map((code) => code.trim()).find((code) => !this.stage.codes.has(code));
    });
    assert.match(found, /^\d{6}$/);
    this.stage.codes.add(found);
    return found;
  }

  /** A notice that has arrived on a phone. */
  async notice(person, words) {
    return this.#onPhone(person, async (messages) => {
      const texts = await messages.locator('li').allInnerTexts();
      return texts.find((text) => text.includes(words));
    });
  }

  /** Looks at a phone, by another tab, until `find` finds something. */
  async #onPhone(person, find) {
    const page = await this.#open();
    try {
      const until = Date.now() + MESSAGE_WITHIN_MS;
      const url = new URL(this.stage.demo.phone);
      url.searchParams.set('to', person.phone.slice(-4));
      url.searchParams.set('refresh', 'off');
      if (this.#settings.text === 'large') url.searchParams.set('text', 'large');
      for (;;) {
        await page.goto(url.href);
        const found = await find(page.locator('.messages'));
        if (found) {
          await this.at('your-phone', '.messages', page);
          return found;
        }
        assert.ok(Date.now() < until, `no message on the phone …${person.phone.slice(-4)}`);
        await page.waitForTimeout(100);
      }
    } finally {
      await page.close();
    }
  }

  /** Ends a visit that came to nothing, and leaves a picture of where. */
  async giveUp(story) {
    const { language, screen } = this.#settings;
    const name = `failed.${story}.${language}.${screen}`.replaceAll(/[^a-zA-Z0-9.]+/g, '-');
    const path = join(this.stage.pictures, `${name}.png`);
    await this.page.screenshot({ path, fullPage: true }).catch(() => {});
    await this.#context.close();
  }

  /** Ends the visit; says what the browser complained of, and which addresses told too much. */
  async leave() {
    await this.#context.close();
    assert.deepEqual(this.#complaints, [], 'what the browser complains of');
    for (const url of this.#urls) {
      for (const secret of this.#secrets) {
        assert.ok(!url.includes(secret), `an address carries something personal: ${new URL(url).pathname}`);
      }
    }
  }
}
