import { Builder } from "../../ir/builder.ts";
import { Value, type Graph } from "../../ir/graph.ts";
import { constant } from "../../ir/ops/control.ts";
import { textPlaces } from "../../ir/ops/texts.ts";
import { tensor } from "../../ir/tensor.ts";
import type { Note } from "../../support/errors.ts";

/** A list of words that grows with those that encoders ask for. */
interface WordInput {
  readonly words: string[];
  readonly places: Map<string, number>;
  /** What comes in instead of the strings: i64. */
  readonly indices: Value;
}

/**
 * Inputs of strings that encoders alone read. What comes in is the place of each word in a list of all that the encoders know; a place
 * behind the end is any other word. A session looks words up by the labels of the input.
 */
export class WordInputs {
  private readonly inputs = new Map<Value, WordInput>();

  constructor(params: readonly Value[]) {
    for (const param of params) {
      if (param.type.dtype !== "string") continue;
      this.inputs.set(param, { words: [], places: new Map(), indices: new Value({ dtype: "i64", shape: param.type.shape }, param.name) });
    }
  }

  /** The input `value` as places in a list that has all of `wanted`; undefined where it is no input of strings. */
  ask(value: Value, wanted: readonly string[]): Pick<WordInput, "words" | "indices"> | undefined {
    const input = this.inputs.get(value);
    for (const word of input ? wanted : []) {
      if (!input!.places.has(word)) input!.places.set(word, input!.words.push(word) - 1);
    }
    return input;
  }

  /**
   * Puts places for strings into the parameters of a graph without dead ops. An input that something else reads as strings stays one,
   * and its words are looked up in a step of the host. Gives what is to be said.
   */
  replaceIn(graph: Graph): readonly Note[] {
    const warnings: Note[] = [];
    graph.params.forEach((param, i) => {
      const input = this.inputs.get(param);
      if (!input || input.indices.uses.size === 0) return;
      const { name } = param;
      if (param.uses.size > 0) return void lookUp(graph, param, input);
      graph.params[i] = input.indices;
      graph.labels.set(name, input.words);
      warnings.push({ where: name, text: `takes places in a list instead of strings, others behind its end; the list is ${someOf(input.words)}` });
    });
    return warnings;
  }
}

function lookUp(graph: Graph, param: Value, { words, indices }: WordInput): void {
  const b = new Builder();
  b.loc = [param.name];
  const list = b.create(constant, {}, { value: tensor("string", [words.length], words) });
  const places = b.create(textPlaces, { x: param, words: list });
  graph.replaceUses(indices, places);
  graph.ops.unshift(...b.ops);
}

/** Some words of a list, for a message. */
export function someOf(words: readonly string[]): string {
  return words.length > 8 ? `${words.slice(0, 8).join(", ")} and ${words.length - 8} more` : words.join(", ");
}
