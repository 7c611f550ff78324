#!/usr/bin/env bash
# Makes dist/library: the sources as JavaScript with their types, which is what the npm package holds.
set -euo pipefail
cd "$(dirname "$0")/.."

rm -rf dist/library
node_modules/.bin/tsc -p tsconfig.library.json
# Declarations of packages without types of their own are no output of the compiler.
cp src/compression/unbzip2-stream.d.ts dist/library/compression/
# Whoever has an older compiler finds declarations by the names of the JavaScript.
find dist/library -name '*.d.ts' -exec sed -i -E 's/((from|import\() ?"\.[^"]*)\.ts"/\1.js"/g' {} +
printf 'dist/library: %s files, %s kB\n' "$(find dist/library -type f | wc -l)" "$(du -sk dist/library | cut -f1)"
