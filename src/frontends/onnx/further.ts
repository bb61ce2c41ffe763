import { NeoError } from "../../support/errors.ts";
import type { Found, Problems } from "./problems.ts";

/** What open dims are taken for while nodes are looked at that nobody will run: sizes that many models take, two unlike ones. */
const GUESSES = [64, 96];

/**
 * What is wrong with the nodes of a file that is refused anyway, so that one run names it all. `look` imports the nodes with guessed
 * sizes for the open dims and tells what it found. What hangs on a guess is not told: it reads otherwise with another guess.
 */
export function furtherProblems(openDims: readonly string[], look: (sizes: Readonly<Record<string, number>>) => Problems): Found {
  const guesses = openDims.length === 0 ? GUESSES.slice(0, 1) : GUESSES;
  const looks = guesses.map((guess) => withinLimits(() => look(Object.fromEntries(openDims.map((dim) => [dim, guess])))));
  const [first, ...others] = looks;
  if (!first) return new Map();
  return first.where((kind, problem) => others.every((other) => other === undefined || other.has(kind, problem)));
}

/** undefined where a guess makes the model too large to be looked at. */
function withinLimits<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch (error) {
    if (error instanceof NeoError) return undefined;
    throw error;
  }
}
