// What is wrong with how a page lies on the screen: words beyond its edge, cut off, or over one
// another, and things to press that are too small or in each other's way. Runs in the page.

export function faults() {
  const SMALLEST = 44;
  const SLACK = 2;
  const found = [];
  const room = document.documentElement.clientWidth;
  const words = (node) => (node.data ?? node.textContent ?? '').trim().replace(/\s+/g, ' ').slice(0, 30);
  const isShown = (element) =>
    element.checkVisibility({ visibilityProperty: true }) && !element.closest('.skip, .unseen, option');
  const meet = (a, b) =>
    Math.min(a.right, b.right) - Math.max(a.left, b.left) > SLACK &&
    Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > SLACK;

  const pieces = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode;
    if (!node.data.trim() || !isShown(node.parentElement)) continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    for (const { left, right, top, bottom } of range.getClientRects()) {
      // Out of sight on purpose, for who listens.
      if (right <= 0 || right - left < 1) continue;
      // A line's box is higher than its letters.
      const air = (bottom - top) / 4;
      pieces.push({ node, left, right, top: top + air, bottom: bottom - air });
    }
  }
  for (const [place, piece] of pieces.entries()) {
    if (piece.left < -SLACK || piece.right > room + SLACK) found.push(`beyond the edge: ${words(piece.node)}`);
    for (let around = piece.node.parentElement; around; around = around.parentElement) {
      const { overflowX, overflowY } = getComputedStyle(around);
      if (overflowX === 'visible' && overflowY === 'visible') continue;
      const box = around.getBoundingClientRect();
      const isCut = piece.left < box.left - SLACK || piece.right > box.right + SLACK ||
        piece.top < box.top - SLACK || piece.bottom > box.bottom + SLACK;
      if (isCut && around !== document.documentElement && around !== document.body) found.push(`cut off: ${words(piece.node)}`);
    }
    for (const other of pieces.slice(place + 1)) {
      if (other.node !== piece.node && meet(piece, other)) found.push(`one over the other: ${words(piece.node)} | ${words(other.node)}`);
    }
  }

  const isWithinWords = (element) =>
    getComputedStyle(element).display === 'inline' && words(element.parentElement) !== words(element);
  const targets = [...document.querySelectorAll('a, button, input, select, summary')]
    .filter((element) => element.type !== 'hidden' && isShown(element))
    .map((element) => ({ element, box: element.getBoundingClientRect() }));
  for (const [place, { element, box }] of targets.entries()) {
    const isSmall = Math.min(box.width, box.height) < SMALLEST - 0.5;
    if (isSmall && !isWithinWords(element)) {
      found.push(`${Math.round(box.width)} × ${Math.round(box.height)}: ${element.id || words(element)}`);
    }
    for (const other of targets.slice(place + 1)) {
      if (!element.contains(other.element) && meet(box, other.box)) {
        found.push(`in each other's way: ${element.id || words(element)} | ${other.element.id || words(other.element)}`);
      }
    }
  }
  return [...new Set(found)];
}
