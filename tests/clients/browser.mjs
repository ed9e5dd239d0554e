// A resident's browser without JavaScript: cookies, redirects and forms, nothing else.

const MOST_REDIRECTS = 15;
const MOST_PAGES = 5;

const ENTITIES = { amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'", '#x27': "'", '#x2f': '/', '#x3d': '=' };
const decode = (text) =>
  text.replace(/&(#?\w+);/g, (whole, name) => ENTITIES[name.toLowerCase()] ?? whole);

/** The forms of a page: action, the fields that are sent anyway, and what each id names. */
function forms(html) {
  const found = [];
  let form = null;
  for (const [, name, rest] of html.matchAll(/<(\/?[a-z]+)((?:\s+[^\s"'>/=]+(?:=(?:"[^"]*"|'[^']*'|[^\s>]*))?)*)\s*\/?>/gi)) {
    const attributes = {};
    for (const [, key, , double, single, bare] of rest.matchAll(/([^\s"'>/=]+)(=(?:"([^"]*)"|'([^']*)'|([^\s>]*)))?/g)) {
      attributes[key.toLowerCase()] = decode(double ?? single ?? bare ?? '');
    }
    const tag = name.toLowerCase();
    if (tag === 'form') found.push((form = { action: attributes.action ?? '', fields: {}, ids: {} }));
    if (tag === '/form') form = null;
    if (!form || !attributes.id && !attributes.name) continue;
    if (attributes.id) form.ids[attributes.id] = attributes;
    if (tag === 'input' && attributes.name && !['submit', 'button', 'checkbox', 'radio'].includes(attributes.type)) {
      form.fields[attributes.name] = attributes.value ?? '';
    }
  }
  return found;
}

export class Browser {
  #cookies = new Map();

  constructor(person) {
    this.person = person;
    /** The pages on which the resident was asked something, in order. */
    this.asked = [];
  }

  /** Opens a URL and answers what is asked, until the provider returns to `callback`. */
  async visit(url, callback) {
    this.asked = [];
    let answer = await this.#follow(url, callback);
    for (let page = 0; page < MOST_PAGES && answer.html !== undefined; page += 1) {
      answer = await this.#reply(answer, callback);
    }
    if (answer.html !== undefined) throw new Error(`still on ${answer.url.pathname} after ${this.asked}`);
    return answer.url;
  }

  async #reply({ url, html, status }, callback) {
    for (const form of forms(html)) {
      const fields = { ...form.fields };
      const press = (id) => {
        const { name, value } = form.ids[id];
        if (name) fields[name] = value ?? '';
        this.asked.push(id);
      };
      if (form.ids.password) {
        fields[form.ids.username.name ?? 'username'] = this.person.phone_number;
        fields[form.ids.password.name ?? 'password'] = this.person.password;
        press('login-submit');
      } else if (form.ids['consent-allow']) {
        press('consent-allow');
      } else if (form.ids['logout-confirm']) {
        press('logout-confirm');
      } else continue;
      return this.#follow(new URL(form.action || url, url), callback, fields);
    }
    throw new Error(`${status} at ${url.pathname} asks nothing: ${html.replace(/\s+/g, ' ').slice(0, 300)}`);
  }

  async #follow(start, callback, fields) {
    let url = new URL(start);
    let body = fields && new URLSearchParams(fields);
    for (let hop = 0; hop < MOST_REDIRECTS; hop += 1) {
      const response = await fetch(url, {
        method: body ? 'POST' : 'GET',
        body,
        redirect: 'manual',
        headers: { cookie: this.#sent(), 'accept-language': 'en', accept: 'text/html', origin: body ? url.origin : '' },
      });
      this.#keep(response.headers.getSetCookie());
      if (response.status < 300 || response.status > 399) {
        return { url, html: await response.text(), status: response.status };
      }
      await response.body?.cancel();
      url = new URL(response.headers.get('location'), url);
      body = undefined;
      if (url.href.startsWith(callback)) return { url };
    }
    throw new Error(`more than ${MOST_REDIRECTS} redirects, the last to ${url.pathname}`);
  }

  #sent() {
    return [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ');
  }

  #keep(cookies) {
    for (const cookie of cookies) {
      const [pair, ...attributes] = cookie.split(';');
      const at = pair.indexOf('=');
      const name = pair.slice(0, at).trim();
      const gone = attributes.some((a) => /^\s*max-age=(0|-\d+)\s*$/i.test(a));
      if (gone) this.#cookies.delete(name);
      else this.#cookies.set(name, pair.slice(at + 1).trim());
    }
  }
}
