/** A record to be damaged at will. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
export type Loose = any;

/** A deep copy with a fault in it. */
export function planted<T>(sound: T, fault: (copy: Loose) => void): T {
  const copy = structuredClone(sound);
  fault(copy);
  return copy;
}
