// Does Mermaid's own parser read what `oktawatch graph` prints?
//
// Usage: node mermaid.mjs PROGRAM FOLDER, where FOLDER holds node_modules with mermaid and jsdom:
//   npm install --prefix FOLDER mermaid jsdom
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

const [program, folder] = process.argv.slice(2);
const found = join(resolve(folder), "node_modules");
if (!existsSync(join(found, "mermaid")) || !existsSync(join(found, "jsdom"))) {
  console.log(`skipped: no mermaid in ${found}`);
  process.exit(0);
}
const require = createRequire(join(found, "x.js"));
const load = async (name) => import(pathToFileURL(require.resolve(name)).href);
const { JSDOM } = await load("jsdom");
globalThis.window = new JSDOM("").window;
globalThis.document = globalThis.window.document;
const mermaid = (await import(pathToFileURL(join(found, "mermaid/dist/mermaid.core.mjs")).href)).default;

const graph = (...more) => execFileSync(program, ["graph", ...more, "detections"], { encoding: "utf8" });
const names = graph("--format", "json").trim().split("\n").map((line) => JSON.parse(line).name);
for (const text of [graph(), ...names.map((name) => graph("--rule", name))]) {
  const { diagramType } = await mermaid.parse(text);
  if (!diagramType.startsWith("flowchart")) throw new Error(`not a flowchart: ${diagramType}`);
}
console.log(`${names.length + 1} diagrams are read by Mermaid`);
