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

/** The bytes of a tag: base64 of gzip inside it, or a file. */
async function carriedBytes(id) {
  const tag = document.getElementById(id);
  const text = tag.textContent.trim();
  if (!text) return new Uint8Array(await (await fetched(tag)).arrayBuffer());
  const packed = await (await fetch(`data:application/octet-stream;base64,${text}`)).blob();
  // It is wanted once; the page's own copy of the text would lie there for ever.
  tag.textContent = " ";
  return new Uint8Array(await new Response(packed.stream().pipeThrough(new DecompressionStream("gzip"))).arrayBuffer());
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
    loading ||
    Promise.all([carriedBytes("module"), carriedBytes("weights")]).then(async ([code, weights]) => ({
      module: await WebAssembly.compile(code),
      weights,
    }));
  return loading;
}

async function startWorker(id) {
  const worker = new Worker(await blobAddress("wasm-text", id));
  const { module, weights } = await loadModule();
  return { worker, module, weights };
}
