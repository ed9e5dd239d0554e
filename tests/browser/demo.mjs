// The program under test: `tongxing demo` in a folder of its own, and what it printed.

import { spawn } from 'node:child_process';
import { request } from 'node:http';
import { createInterface } from 'node:readline';

const READY_WITHIN_MS = 60_000;
const ENDS_WITHIN_MS = 15_000;

/** What the forms send for a kind of document, by its name. */
const TYPES = { 居民身份证: 'resident_id_card', 港澳台居民居住证: 'hk_macao_taiwan_residence_permit' };

/** Starts it and reads what it says until it waits. */
export async function start(binary, folder) {
  const environment = Object.entries(process.env).filter(([name]) => !name.startsWith('TONGXING'));
  const child = spawn(binary, ['demo'], {
    cwd: folder,
    env: Object.fromEntries(environment),
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = new Promise((resolve, reject) => {
    child.once('exit', (code) => resolve(code));
    child.once('error', reject);
  });
  const lines = await printed(child, ended).catch((error) => {
    child.kill('SIGKILL');
    throw error;
  });
  return new Demo(child, ended, lines);
}

async function printed(child, ended) {
  const lines = [];
  const told = (async () => {
    for await (const line of createInterface({ input: child.stdout })) {
      lines.push(line);
      if (line.includes('Ctrl-C')) return lines;
    }
    throw new Error(`the demo ended: ${await ended}`);
  })();
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error('the demo is not ready')), READY_WITHIN_MS);
  });
  return Promise.race([told, late]).finally(() => clearTimeout(timer));
}

class Demo {
  #child;
  #ended;
  #next = 0;

  constructor(child, ended, lines) {
    this.#child = child;
    this.#ended = ended;
    const addresses = lines.flatMap((line) => line.split(/\s+/)).filter((word) => word.startsWith('http://'));
    const [start, zhejiang, guangdong, provider, , phone, behavior] = addresses;
    Object.assign(this, { start, zhejiang, guangdong, provider, phone, behavior, lines });
  }

  /** A newcomer of the demo, as its text tells of them. */
  newcomer(name) {
    const line = this.lines.find((line) => line.trim().startsWith(name));
    const [, number, phone, called] = line.trim().split(/\s+/);
    return { name, type: TYPES[called], number, phone, password: `a long way home ${phone.slice(-4)}` };
  }

  /** Somebody whom the authority knows, nobody twice. */
  async person() {
    for (;;) {
      const url = new URL(`/people?from=${this.#next}&count=1`, this.behavior);
      this.#next += 1;
      const { people: [person] } = await (await fetch(url)).json();
      // A passport's number needs its country in front; the form's other kinds are enough here.
      if (person.document_type === 'passport') continue;
      const phone = person.phone_number.replace('+86', '');
      return {
        name: person.name,
        type: person.document_type,
        number: person.document_number,
        phone,
        password: `a long way home ${phone.slice(-4)}`,
      };
    }
  }

  /** Lets the authority behave otherwise. */
  async behave(behavior) {
    const answer = await fetch(this.behavior, { method: 'PUT', body: JSON.stringify({ behavior }) });
    if (!answer.ok) throw new Error(`the authority cannot be switched: ${answer.status}`);
  }

  /** Makes Guangdong deaf to logouts, or lets it hear. Its host has a name that only browsers know. */
  async hear(behavior) {
    const { host, port } = new URL(this.guangdong);
    const status = await new Promise((resolve, reject) => {
      const options = { host: '127.0.0.1', port, path: '/backchannel-logout', method: 'PUT', headers: { host } };
      const asking = request(options, (answer) => resolve(answer.resume().statusCode));
      asking.on('error', reject).end(JSON.stringify({ behavior }));
    });
    if (status !== 204) throw new Error(`the portal cannot be switched: ${status}`);
  }

  /** Asks it to end; true when it does so in time and without complaint. */
  async stop() {
    this.#child.kill('SIGTERM');
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), ENDS_WITHIN_MS);
    const code = await this.#ended;
    clearTimeout(timer);
    return code === 0;
  }
}
