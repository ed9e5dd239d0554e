// Somebody at a browser. Whatever they do, the same is watched: that no address carries anything
// personal, that the browser has nothing to complain of, that each page fits the screen, can be
// read aloud, and looks as it looks.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const PATIENCE_MS = 20_000;
const MESSAGE_WITHIN_MS = 10_000;

export const SCREENS = {
  phone: { width: 375, height: 812 },
  desktop: { width: 1280, height: 800 },
};

/** What axe found nothing wrong with, so that the same page is judged once. */
const judged = new Set();

export class Visitor {
  #context;
  #settings;
  #complaints = [];
  #secrets = [];
  #urls = [];
  #navigations = new Set();

  /** `settings`: language, javaScript, screen, colors; `glances` looks at no page closely. */
  static async arrive(stage, settings = {}) {
    const visitor = new Visitor();
    visitor.#settings = { language: 'zh-CN', javaScript: true, screen: 'desktop', colors: 'light', ...settings };
    const { language, javaScript, screen, colors } = visitor.#settings;
    visitor.stage = stage;
    visitor.#context = await stage.chromium.newContext({
      locale: language,
      javaScriptEnabled: javaScript,
      viewport: SCREENS[screen],
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

  async click(selector) {
    await Promise.all([
      this.page.waitForEvent('load'),
      this.page.locator(selector).click(),
    ]);
  }

  async fill(fields) {
    for (const [id, value] of Object.entries(fields)) {
      await this.page.fill(`[id="${id}"]`, value);
    }
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
    await this.#looksWell(name, page);
  }

  async #looksWell(name, page) {
    const { language, screen, javaScript, colors, glances } = this.#settings;
    const title = `${name}.${language}.${screen}${colors === 'dark' ? '.dark' : ''}`;
    const facts = await page.evaluate(() => ({
      language: document.documentElement.lang,
      headings: document.querySelectorAll('h1').length,
      title: document.title,
      width: document.documentElement.scrollWidth,
      room: document.documentElement.clientWidth,
    }));
    assert.equal(facts.language, language, `${title}: the language of the page`);
    assert.equal(facts.headings, 1, `${title}: one h1`);
    assert.ok(facts.title.trim(), `${title}: a title`);
    assert.ok(facts.width <= facts.room, `${title}: ${facts.width} wide, ${facts.room} at most`);
    if (!javaScript || glances || judged.has(title)) return;
    judged.add(title);
    await page.screenshot({ path: join(this.stage.pictures, `${title}.png`), fullPage: true });
    await page.evaluate(AXE);
    const { violations } = await page.evaluate(() => axe.run(document, { resultTypes: ['violations'] }));
    const told = violations.map((violation) => {
      const places = violation.nodes.map((node) => `${node.target.join(' ')} ${node.html.slice(0, 120)}`);
      return `${violation.id}: ${violation.help} (${places.join('; ')})`;
    });
    assert.deepEqual(told, [], `${title}: what axe says`);
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
