const EXTREMES = [0, 1, 0x7f, 0x80, 0xff];

/** One kind of damage to a file: flipped bits, bytes of the ends of their range, cut, lost and doubled ranges, parts of another file. May change `bytes`. */
export function damage(bytes: Uint8Array, others: readonly Uint8Array[], pick: (n: number) => number): Uint8Array {
  const at = pick(bytes.length || 1);
  const length = 1 + pick(Math.min(64, bytes.length || 1));
  switch (pick(6)) {
    case 0:
      bytes[at]! ^= 1 << pick(8);
      return bytes;
    case 1:
      bytes[at] = EXTREMES[pick(EXTREMES.length)]!;
      return bytes;
    case 2:
      return bytes.slice(0, at);
    case 3:
      return join(bytes.subarray(0, at), bytes.subarray(Math.min(bytes.length, at + length)));
    case 4:
      return join(bytes.subarray(0, at), bytes.subarray(at, at + length), bytes.subarray(at));
    default: {
      const other = others[pick(others.length)]!;
      const from = pick(other.length);
      return join(bytes.subarray(0, at), other.subarray(from, from + length), bytes.subarray(Math.min(bytes.length, at + length)));
    }
  }
}

const NUMBERS = [
  "0",
  "-1",
  "1",
  "2147483647",
  "-2147483648",
  "4294967295",
  "16777216",
  "1e400",
  "-1e-46",
  "NaN",
  "9007199254740993",
  '"x"',
  "[]",
  "{}",
  "null",
  "true",
];

/** One number of a text, wherever it stands, becomes another or something else: what damage to single bytes seldom brings about. */
export function damageNumber(bytes: Uint8Array, pick: (n: number) => number): Uint8Array {
  const start = pick(bytes.length || 1);
  let at = start;
  while (at < bytes.length && !isDigit(bytes[at]!)) at++;
  let end = at;
  while (end < bytes.length && isDigit(bytes[end]!)) end++;
  if (at === end) return bytes;
  return join(bytes.subarray(0, at), new TextEncoder().encode(NUMBERS[pick(NUMBERS.length)]), bytes.subarray(end));
}

function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39;
}

function join(...parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((n, part) => n + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
