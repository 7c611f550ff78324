#!/usr/bin/env bash
# Makes dist/skopeo: one file that needs nothing installed; or, as `build.sh TARGET FILE`, the same for one of Bun's targets.
# Splitting keeps dynamic imports lazy, and bytecode spares parsing at every start. What lies in the directory where the program
# is run must not be able to configure it, let alone to run in it: neither .env nor bunfig.toml is read.
set -euo pipefail
cd "$(dirname "$0")/.."

target=${1:-}
file=${2:-dist/skopeo}
mkdir -p "$(dirname "$file")"
node_modules/.bin/bun build src/cli/bin.ts src/runtime/compression-worker.ts --outfile "$file" \
  --entry-naming "[name].[ext]" --compile ${target:+--target="$target"} --splitting --bytecode --minify --format=esm \
  --no-compile-autoload-dotenv --no-compile-autoload-bunfig --no-compile-autoload-tsconfig \
  --no-compile-autoload-package-json >/dev/null
[ -n "$target" ] || printf '%s: %s, %s MB\n' "$file" "$("$file" --version)" "$(($(wc -c <"$file") / 1000000))"
