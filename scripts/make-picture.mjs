// Draws the picture of the quickstart: examples/line.png, in Inter (SIL Open Font License 1.1).
import { mkdirSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { drawText, encodePng } from "./draw-text.mjs";

const root = new URL("../", import.meta.url);
const font = fileURLToPath(new URL("node_modules/@fontsource/inter/files/inter-latin-400-normal.woff", root));
mkdirSync(new URL("examples/", root), { recursive: true });
writeFileSync(new URL("examples/line.png", root), encodePng(drawText(font, "Compiled once 2026 signed 42", 32)));
