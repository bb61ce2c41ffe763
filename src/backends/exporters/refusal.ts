/** An op that an exchange format can't say as it is. The words say what was found and what would fit. */
export class ExportRefusal extends Error {}

export function refuse(words: string): never {
  throw new ExportRefusal(words);
}
