#!/usr/bin/env bash
# Makes dist/skopeo: one file that needs nothing installed. Splitting keeps dynamic imports lazy, and bytecode spares
# parsing at every start. The system's certificate authorities are trusted besides the built-in ones.
set -euo pipefail
cd "$(dirname "$0")/.."

mkdir -p dist
node_modules/.bin/bun build src/cli/bin.ts src/runtime/compression-worker.ts --outfile dist/skopeo \
  --entry-naming "[name].[ext]" --compile --splitting --bytecode --minify --format=esm >/dev/null
printf 'dist/skopeo: %s, %s MB\n' "$(dist/skopeo --version)" "$(($(wc -c <dist/skopeo) / 1000000))"
