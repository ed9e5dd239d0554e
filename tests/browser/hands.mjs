// How somebody acts on a page: with a pointer, or by the keyboard alone.

import assert from 'node:assert/strict';

const MOST_STEPS = 80;

const pointer = {
  follow: (target) => target.click(),
  fill: (target, value) => target.fill(value),
  choose: (target, value) => target.selectOption(value),
};

/** Goes on by Tab until the focus is where it should be, and can be seen there. */
async function reach(target) {
  const keyboard = target.page().keyboard;
  for (let step = 0; step < MOST_STEPS; step += 1) {
    const focus = await target.evaluate((element) => {
      if (element !== document.activeElement) return null;
      const { outlineStyle, outlineWidth } = getComputedStyle(element);
      const { top, bottom } = element.getBoundingClientRect();
      return {
        marked: outlineStyle !== 'none' && parseFloat(outlineWidth) >= 2,
        inSight: bottom > 0 && top < innerHeight,
      };
    });
    if (focus) {
      assert.deepEqual(focus, { marked: true, inSight: true }, `the focus on ${target}`);
      return keyboard;
    }
    await keyboard.press('Tab');
  }
  return assert.fail(`Tab does not lead to ${target}`);
}

const keyboard = {
  follow: async (target) => (await reach(target)).press('Enter'),
  fill: async (target, value) => {
    const keys = await reach(target);
    await keys.press('ControlOrMeta+A');
    await keys.press('Delete');
    await keys.type(value);
  },
  choose: async (target, value) => {
    const keys = await reach(target);
    const steps = await target.evaluate((list, wanted) => {
      const place = [...list.options].findIndex((option) => option.value === wanted);
      return place - list.selectedIndex;
    }, value);
    for (let step = 0; step < Math.abs(steps); step += 1) await keys.press(steps > 0 ? 'ArrowDown' : 'ArrowUp');
    assert.equal(await target.inputValue(), value);
  },
};

export const HANDS = { pointer, keyboard };
