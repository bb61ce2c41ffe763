import { holds } from "./formats/letters.ts";

/** What JSON files of models that have no importer yet, or no model inside, hold; told by words that only they have. */
const KINDS: readonly (readonly [name: string, hint: string, words: readonly string[]])[] = [
  [
    "a dump of XGBoost's trees, which has neither objective nor base score",
    '`booster.save_model("model.json")` saves the model itself',
    ['"nodeid"', '"split_condition"'],
  ],
  ["the configuration of an XGBoost model, without its trees", '`booster.save_model("model.json")` saves the model itself', ['"learner_train_param"']],
  ["a TensorFlow.js model, which has no importer yet", "convert it to ONNX", ['"modelTopology"']],
  ["the architecture of a Keras model, without its weights", "convert it to ONNX", ['"class_name"', '"config"']],
  ["the symbols of an MXNet model, which has no importer yet", "export it as ONNX", ['"arg_nodes"', '"heads"']],
];

/** What a JSON file is and what to do about it; undefined: nothing known. */
export function jsonKind(bytes: Uint8Array): { readonly name: string; readonly hint: string } | undefined {
  const found = KINDS.find(([, , words]) => words.every((word) => holds(bytes, word)));
  return found && { name: found[0], hint: found[1] };
}
