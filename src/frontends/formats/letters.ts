/** Whether a file has these ASCII letters anywhere. */
export function holds(bytes: Uint8Array, letters: string): boolean {
  const first = letters.charCodeAt(0);
  for (let at = bytes.indexOf(first); at >= 0; at = bytes.indexOf(first, at + 1)) {
    let i = 1;
    while (i < letters.length && bytes[at + i] === letters.charCodeAt(i)) i++;
    if (i === letters.length) return true;
  }
  return false;
}

/** Bytes as letters of Latin-1: enough for what stands at the beginning of files. */
export function latin(bytes: Uint8Array, start: number, end: number): string {
  return String.fromCharCode(...bytes.subarray(start, end));
}
