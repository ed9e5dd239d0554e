// Makes a picture of a page small: pages have few colors, so a palette does. PNG, 3rd edition.

import { deflateSync, inflateSync } from 'node:zlib';

const SIGNATURE = Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]);
const PALETTE = 64;
/** Colors that differ less (by the square of their distance) are one, so that a gradient leaves room
 *  for the edges of letters. */
const ALIKE = 12;

function* chunks(png) {
  for (let at = SIGNATURE.length; at < png.length;) {
    const length = png.readUInt32BE(at);
    yield { type: png.toString('latin1', at + 4, at + 8), data: png.subarray(at + 8, at + 8 + length) };
    at += length + 12;
  }
}

/** The check sum of a chunk (annex D). */
function crc32(bytes) {
  let sum = ~0;
  for (const byte of bytes) {
    sum ^= byte;
    for (let bit = 0; bit < 8; bit += 1) sum = (sum >>> 1) ^ (sum & 1 ? 0xedb88320 : 0);
  }
  return ~sum >>> 0;
}

function chunk(type, data) {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  sum.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, sum]);
}

/** What a filter adds to a byte, from those to the left, above, and above left (§9.2). */
function predicted(filter, left, above, corner) {
  if (filter === 1) return left;
  if (filter === 2) return above;
  if (filter === 3) return (left + above) >> 1;
  if (filter === 0) return 0;
  const [a, b, c] = [above - corner, left - corner, above + left - 2 * corner].map(Math.abs);
  if (a <= b && a <= c) return left;
  return b <= c ? above : corner;
}

/** The samples of each pixel, row by row, of a picture as browsers write it: 8 bits, no interlace. */
function samples(raw, { width, height, size }) {
  const row = width * size;
  const plain = Buffer.alloc(row * height);
  for (let y = 0; y < height; y += 1) {
    const filter = raw[y * (row + 1)];
    for (let x = 0; x < row; x += 1) {
      const at = y * row + x;
      const left = x >= size ? plain[at - size] : 0;
      const above = y > 0 ? plain[at - row] : 0;
      const corner = x >= size && y > 0 ? plain[at - row - size] : 0;
      plain[at] = raw[y * (row + 1) + 1 + x] + predicted(filter, left, above, corner);
    }
  }
  return plain;
}

/** The same picture in at most 64 colors: the commonest, and for the others the nearest of them. */
export function small(png) {
  const parts = [...chunks(png)];
  const header = parts.find(({ type }) => type === 'IHDR').data;
  const [width, height, size] = [header.readUInt32BE(0), header.readUInt32BE(4), header[9] === 6 ? 4 : 3];
  const data = Buffer.concat(parts.filter(({ type }) => type === 'IDAT').map((part) => part.data));
  const plain = samples(inflateSync(data), { width, height, size });

  const seen = new Map();
  for (let at = 0; at < plain.length; at += size) {
    const color = plain.readUIntBE(at, 3);
    seen.set(color, (seen.get(color) ?? 0) + 1);
  }
  const distance = (a, b) => [16, 8, 0].reduce((sum, shift) => sum + (((a >> shift) & 255) - ((b >> shift) & 255)) ** 2, 0);
  const common = [];
  for (const [color] of [...seen].sort((a, b) => b[1] - a[1])) {
    if (common.every((other) => distance(color, other) >= ALIKE)) common.push(color);
    if (common.length === PALETTE) break;
  }
  const places = new Map(common.map((color, place) => [color, place]));
  for (const color of seen.keys()) {
    if (places.has(color)) continue;
    const nearest = common.reduce((best, other) => (distance(color, other) < distance(color, best) ? other : best));
    places.set(color, places.get(nearest));
  }

  const indexed = Buffer.alloc((width + 1) * height);
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      indexed[y * (width + 1) + 1 + x] = places.get(plain.readUIntBE((y * width + x) * size, 3));
    }
  }
  const palette = Buffer.alloc(common.length * 3);
  common.forEach((color, place) => palette.writeUIntBE(color, place * 3, 3));
  const head = Buffer.from(header);
  head[9] = 3;
  return Buffer.concat([
    SIGNATURE, chunk('IHDR', head), chunk('PLTE', palette),
    chunk('IDAT', deflateSync(indexed, { level: 9 })), chunk('IEND', Buffer.alloc(0)),
  ]);
}
