#!/usr/bin/env bash
# Types, lint and format, unused code and dependencies, where dependencies come from, and what the package exports. Import layers are checked by test/architecture.test.ts.
set -euo pipefail
cd "$(dirname "$0")/.."

node_modules/.bin/tsc -p .
node_modules/.bin/biome ci --error-on-warnings src test bench scripts packaging package.json tsconfig.json biome.json knip.json
node_modules/.bin/knip
node_modules/.bin/bun scripts/check-lock-file.ts
node_modules/.bin/bun scripts/api.ts --check
