export const HEIGHT: number;
export function widthFor(picture: { readonly width: number; readonly height: number }): number;
export function readCharacters(file: string): readonly string[];
export function readText(scores: ArrayLike<number>, steps: number, characters: readonly string[]): string;
