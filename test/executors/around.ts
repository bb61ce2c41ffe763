/** What is done with the arena before the first run, where its state is still zero, and behind it. */
export interface Around {
  readonly start?: (arena: Uint8Array) => void;
  readonly end?: (arena: Uint8Array) => void;
}
