// Makes the calls that come in, a line each, with AWS's JavaScript client of the
// second generation or the third, and answers with a line each.
"use strict";
const { client } = require("./clients.js");

async function main() {
  const call = client(process.argv[2], "Inspector");
  for await (const line of require("node:readline").createInterface({ input: process.stdin })) {
    const { operation, input } = JSON.parse(line);
    console.log(JSON.stringify((await call(operation, input)) ?? null));
  }
}

main().catch((e) => {
  console.error(e);
  process.exit(1);
});
