// What several stories do, each as a resident would: by what the pages show.

/** Fills in the form of registration (or recovery, by `way`) and sends it. */
export async function apply(visitor, person, way = 'register') {
  await visitor.fill({ [`${way}-name`]: person.name });
  await visitor.choose(`#${way}-document-type`, person.type);
  await visitor.fill({
    [`${way}-document-number`]: person.number,
    [`${way}-phone`]: person.phone,
    [`${way}-password`]: person.password,
  });
  await visitor.click(`#${way}-submit`);
}

/** Gives back the code that arrived. */
export async function confirm(visitor, code) {
  await visitor.fill({ 'otp-code': code });
  await visitor.click('#otp-submit');
}

/** From the form to what follows the right code. */
export async function prove(visitor, person, way = 'register') {
  await apply(visitor, person, way);
  await visitor.at(`${way}-code`, '#otp-code');
  await confirm(visitor, await visitor.code(person));
}

export async function logIn(visitor, username, password) {
  await visitor.fill({ username, password });
  await visitor.click('#login-submit');
}

/** How many fields a resident sees on the page at hand. */
export async function fields(visitor) {
  return visitor.page.locator('input:not([type=hidden]), select, textarea').count();
}

/** The value that a portal shows of a claim. */
export async function claim(visitor, name) {
  const row = visitor.page.locator('tr').filter({ has: visitor.page.locator(`th code:text-is("${name}")`) });
  return row.locator('.value').first().innerText();
}

/** Registers without a portal; ends at my account. */
export async function registerDirectly(visitor, person) {
  visitor.is(person);
  await visitor.goto(new URL('/register', visitor.stage.demo.provider).href);
  await prove(visitor, person);
  await visitor.at('account-new', '#account-logout');
}
