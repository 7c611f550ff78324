#!/usr/bin/env bash
# Makes dist/library, or the directory of its argument: the sources as JavaScript with their types, which is what the npm package holds.
set -euo pipefail
cd "$(dirname "$0")/.."
library=${1:-dist/library}

rm -rf "$library"
node_modules/.bin/tsc -p tsconfig.library.json --outDir "$library"
# Declarations of packages without types of their own are no output of the compiler.
cp src/compression/unbzip2-stream.d.ts "$library/compression/"
# Whoever has an older compiler finds declarations by the names of the JavaScript.
find "$library" -name '*.d.ts' -exec sed -i -E 's/((from|import\() ?"\.[^"]*)\.ts"/\1.js"/g' {} +
printf '%s: %s files, %s kB\n' "$library" "$(find "$library" -type f | wc -l)" "$(du -sk "$library" | cut -f1)"
