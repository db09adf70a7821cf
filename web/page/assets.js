"use strict";
// What the page carries: the module, the network, the texts of workers. In one file they lie in its own tags, on a server beside it.

/** What lies beside the page under the name that a tag gives. */
async function fetched(tag) {
  const address = tag.getAttribute("src");
  const found = await fetch(address);
  if (!found.ok) throw new Error(`${T.failed.fetch} (${address}, ${found.status})`);
  return found;
}

/** The text of a script tag that isn't run here. */
async function carriedText(id) {
  const tag = document.getElementById(id);
  return tag.textContent.trim() ? tag.textContent : (await fetched(tag)).text();
}

/** The whole page is there: what it carries stands behind its scripts, so that they need not wait for it. */
const isParsed = new Promise(resolve => {
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", resolve);
  else resolve();
});

/** A tag, and what it holds in base64; nothing where it names a file. */
async function carried(id) {
  await isParsed;
  const tag = document.getElementById(id),
    text = tag.textContent.trim();
  // It is wanted once; the page's own copy of the text would lie there for ever.
  tag.textContent = " ";
  return { tag, bytes: text ? bytesOfBase64(text) : null };
}

/** By hand it takes a tenth of the time that fetching a data: address does. */
function bytesOfBase64(text) {
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(text);
  const binary = atob(text),
    bytes = new Uint8Array(binary.length);
  for (let index = 0; index < bytes.length; index += 1) bytes[index] = binary.charCodeAt(index);
  return bytes;
}

async function carriedWeights() {
  const { tag, bytes } = await carried("weights");
  return bytes || new Uint8Array(await (await fetched(tag)).arrayBuffer());
}

/** Compiled while it is unpacked, or comes from the server. */
async function carriedModule() {
  const { tag, bytes } = await carried("module");
  const body = bytes ? unpacked(bytes) : (await fetched(tag)).body;
  return WebAssembly.compileStreaming(new Response(body, { headers: { "Content-Type": "application/wasm" } }));
}

function unpacked(bytes) {
  const { readable, writable } = new DecompressionStream("gzip"),
    writer = writable.getWriter();
  // What goes wrong is told where it is read.
  writer.write(bytes).catch(() => {});
  writer.close().catch(() => {});
  return readable;
}

async function blobAddress(...ids) {
  const texts = await Promise.all(ids.map(carriedText));
  return URL.createObjectURL(new Blob([texts.join("\n")], { type: "text/javascript" }));
}

/** As an address that worklets load too: from a page opened from disk they take no blob. */
async function dataAddress(id) {
  return `data:text/javascript;charset=utf-8,${encodeURIComponent(await carriedText(id))}`;
}

/** A module of one function with a vector in it: valid where there is SIMD. */
const SIMD_PROBE = new Uint8Array([
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15, 253, 98, 11,
]);

/** Why this browser can't run the page, as a sentence; nothing where it can. */
function whatIsMissing() {
  if (typeof WebAssembly !== "object") return T.failed.wasm;
  if (!WebAssembly.validate(SIMD_PROBE)) return T.failed.simd;
  if (typeof DecompressionStream === "undefined" || typeof Worker === "undefined") return T.failed.old;
  return "";
}

/** @type {Promise<{module: WebAssembly.Module, weights: Uint8Array}> | null} */
let loading = null;

function loadModule() {
  loading =
    loading || Promise.all([carriedModule(), carriedWeights()]).then(([module, weights]) => ({ module, weights }));
  return loading;
}

async function startWorker(id) {
  const worker = new Worker(await blobAddress("wasm-text", id));
  const { module, weights } = await loadModule();
  return { worker, module, weights };
}
