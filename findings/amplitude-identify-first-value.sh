#!/usr/bin/env bash
# @amplitude/analytics-node 1.5.73: of several values for one property, an Identify keeps the first.
# Guess: set("plan", "free").set("plan", "pro") ends as "pro", as an assignment does; two append() append both.
# Seen: the first operation on a name is the only one, whatever the later ones are; an add() of numeric text ("5") is
# none. Nothing is printed (the Python SDK does the same, with a line in the log).
# Matters: code that sets a default and then the known value writes the default over what the profile had; of a list
# of tags only the first arrives.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
npm install --silent --no-package-lock --no-audit --no-fund --prefix "$folder" @amplitude/analytics-node@1.5.73
cat > "$folder/run.mjs" <<'JAVASCRIPT'
import assert from "node:assert/strict";
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);

const { Identify } = require("@amplitude/analytics-node");
const person = new Identify();
person.set("plan", "free").set("plan", "pro").append("tags", "shoes").append("tags", "hats").add("orders", "5");
const operations = person.getUserProperties();
console.log("@amplitude/analytics-node 1.5.73:", operations);
assert.deepEqual(operations, { $set: { plan: "free" }, $append: { tags: "shoes" } });
process.exit(0);
JAVASCRIPT
node "$folder/run.mjs"
