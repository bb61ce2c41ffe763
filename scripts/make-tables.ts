/** Writes docs/support.md from the records: operators of each frontend, ops of the graph, targets. `npm run tables`. */
import { writeFileSync } from "node:fs";
import { supportTables } from "./support-tables.ts";

writeFileSync(new URL("../docs/support.md", import.meta.url), supportTables());
