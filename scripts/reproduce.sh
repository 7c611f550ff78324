#!/usr/bin/env bash
# Builds the binary once more, in another directory: it must be the same to the last byte.
set -euo pipefail
cd "$(dirname "$0")/.."

mkdir -p dist
other=$(mktemp -d "$PWD/dist/again.XXXXXX")
trap 'rm -rf "$other"' EXIT
cp -r src scripts package.json tsconfig.json "$other"
cp -rl node_modules "$other" 2>/dev/null || cp -r node_modules "$other"
(cd "$other" && node_modules/.bin/bun scripts/build.ts >/dev/null)
[ -x dist/skopeo ] || node_modules/.bin/bun scripts/build.ts >/dev/null
cmp dist/skopeo "$other/dist/skopeo"
sha256sum dist/skopeo
