// node try-editor.mjs SERVER HOME: speaks the language server protocol, as an editor does, and prints what it would show.
import { spawn } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";

const [server, home] = process.argv.slice(2);
const yaml = { validate: true, completion: true, customTags: ["!secret mapping"], schemaStore: { enable: false } };
const child = spawn("node", [server, "--stdio"], { stdio: ["pipe", "pipe", "inherit"] });
const waits = new Map(), problems = new Map();
let buffer = Buffer.alloc(0), last = 0;

child.stdout.on("data", (data) => {
  buffer = Buffer.concat([buffer, data]);
  for (;;) {
    const head = buffer.indexOf("\r\n\r\n");
    const length = head < 0 ? 0 : +/Content-Length: (\d+)/.exec(buffer.subarray(0, head))[1];
    if (head < 0 || buffer.length < head + 4 + length) return;
    take(JSON.parse(buffer.subarray(head + 4, head + 4 + length)));
    buffer = buffer.subarray(head + 4 + length);
  }
});

function take(message) {
  if (message.method === "textDocument/publishDiagnostics") problems.set(message.params.uri, message.params.diagnostics);
  else if (message.method && message.id !== undefined) {
    const asked = message.method === "workspace/configuration";
    send({ id: message.id, result: asked ? message.params.items.map((item) => (item.section === "yaml" ? yaml : {})) : null });
  } else if (waits.has(message.id)) waits.get(message.id)(message.result);
}

function send(message) {
  const text = JSON.stringify({ jsonrpc: "2.0", ...message });
  child.stdin.write(`Content-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`);
}

const ask = (method, params) => new Promise((done) => { waits.set(++last, done); send({ id: last, method, params }); });
const pause = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));

async function shown(name, text) {
  const file = name.replace("/x.", `/x${last}-${problems.size}.`); // a new name each time: the server may still be at the one before
  const uri = pathToFileURL(path.join(home, file)).href;
  problems.delete(uri);
  send({ method: "textDocument/didOpen", params: { textDocument: { uri, languageId: "yaml", version: 1, text } } });
  for (let tries = 0; tries < 200 && !problems.has(uri); tries++) await pause(50);
  await pause(150);
  return uri;
}

async function complete(what, file, text) {
  const before = text.slice(0, text.indexOf("|")).split("\n");
  const uri = await shown(file, text.replace("|", ""));
  const position = { line: before.length - 1, character: before.at(-1).length };
  const found = await ask("textDocument/completion", { textDocument: { uri }, position });
  console.log(`${what}: ${found.items.map((item) => item.label).join(", ")}`);
  send({ method: "textDocument/didClose", params: { textDocument: { uri } } });
}

async function wrong(what, file, text) {
  const uri = await shown(file, text);
  console.log(`${what}: ${problems.get(uri).map((one) => `line ${one.range.start.line + 1}: ${one.message}`).join("; ") || "nothing"}`);
  send({ method: "textDocument/didClose", params: { textDocument: { uri } } });
}

await ask("initialize", { processId: process.pid, rootUri: pathToFileURL(home).href, capabilities: { workspace: { configuration: true } } });
send({ method: "initialized", params: {} });
for (const folder of ["inventory", "runbooks"])
  for (const name of fs.readdirSync(path.join(home, folder)).filter((one) => one.endsWith(".yaml")).sort())
    await wrong(`problems in ${folder}/${name}`, `${folder}/${name}`, fs.readFileSync(path.join(home, folder, name), "utf8"));
const runbook = "# yaml-language-server: $schema=../.schema/runbook.json\nrunbook: x\ntitle: x\nkind: backup\nsteps:\n  - id: a\n";
const inventory = "# yaml-language-server: $schema=../.schema/inventory.json\n";
await complete("action:", "runbooks/x.yaml", `${runbook}    action: |\n`);
await complete("a step's other keys", "runbooks/x.yaml", `${runbook}    action: report\n    |\n`);
await complete("with, of action restore", "runbooks/x.yaml", `${runbook}    action: restore\n    with:\n      system: hmis\n      |\n`);
await complete("checks:", "runbooks/x.yaml", `${runbook}    action: check\n    with:\n      checks:\n        - |\n`);
await complete("kind of a source", "inventory/x.yaml", `${inventory}systems:\n  a:\n    sources:\n      db:\n        kind: |\n`);
await complete("postgres of a local host", "inventory/x.yaml", `${inventory}hosts:\n  a:\n    kind: local\n    with:\n      postgres:\n        |\n`);
await wrong("a wrong step", "runbooks/x.yaml", `${runbook}    action: backup\n    with: {sytem: hmis, to: [online]}\n    timeout: 5\n`);
process.exit(0);
