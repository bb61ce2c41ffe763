/** Seeded mutations of files: what a damaged disk, a clumsy tool or an attacker makes of them. */

export type Random = () => number;

/** Uniform in [0, 1), the same on every machine (mulberry32). */
export function random(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), 1 | t);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

const INTERESTING = [0, 1, 2, 7, 8, 16, 0x3a, 0x7f, 0x80, 0xfe, 0xff];

/**
 * A few changes: bytes set, bits flipped, numbers stretched, pieces cut, doubled, moved or taken from another file. Most files keep
 * their lengths, so that what comes behind the container is reached too.
 */
export function mutate(bytes: Uint8Array, others: readonly Uint8Array[], next: Random): Uint8Array {
  let file = Array.from(bytes);
  const below = (n: number): number => Math.floor(next() * Math.max(1, n));
  const pick = <T>(list: readonly T[]): T => list[below(list.length)]!;
  const keepsLength = next() < 0.7;
  for (let changes = 1 + below(keepsLength ? 3 : 8); changes > 0; changes--) {
    const at = below(file.length);
    const length = 1 + below(pick([2, 8, 64]));
    switch (below(keepsLength ? 3 : 8)) {
      case 0:
        file[at] = pick(INTERESTING);
        break;
      case 1:
        file[at] = (file[at] ?? 0) ^ (1 << below(8));
        break;
      case 2:
        file[at] = below(256);
        break;
      case 3:
        file.splice(at, length);
        break;
      case 4:
        file.splice(at, 0, ...file.slice(at, at + length));
        break;
      case 5:
        file.splice(at, 0, ...Array.from({ length: 1 + below(9) }, () => pick([0xff, 0x80, 0x01])));
        break;
      case 6:
        file.splice(below(file.length), 0, ...file.splice(at, length));
        break;
      default: {
        const other = pick(others);
        const from = below(other.length);
        file.splice(at, pick([0, length]), ...other.subarray(from, from + length));
      }
    }
    if (!keepsLength && next() < 0.02) file = file.slice(0, below(file.length));
  }
  return Uint8Array.from(file);
}
