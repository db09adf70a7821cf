"use strict";
// Files harmonized and written. Each request has a number, which its answer has too.

let studio = null;

onmessage = ({ data }) => {
  const { number, type } = data;
  try {
    if (type === "load") {
      studio = new Chorale(data.module);
      studio.call({ call: "load" }, data.weights);
      postMessage({ number, answer: {} });
      return;
    }
    const answer = studio.call(data.request, data.bytes);
    postMessage({ number, answer, bytes: data.takes ? studio.take() : null });
  } catch (error) {
    postMessage({ number, error: error.message, isDead: Boolean(error.isDead) });
  }
};
