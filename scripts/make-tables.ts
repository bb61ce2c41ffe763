/** Writes docs/support.md from the records (operators of each frontend, ops of the graph, targets) and docs/onnx-support.md. `npm run tables`. */
import { writeFileSync } from "node:fs";
import { onnxTables } from "./onnx-tables.ts";
import { supportTables } from "./support-tables.ts";

writeFileSync(new URL("../docs/support.md", import.meta.url), supportTables());
writeFileSync(new URL("../docs/onnx-support.md", import.meta.url), onnxTables());
