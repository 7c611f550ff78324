#!/usr/bin/env bash
# Builds the binary once more, in another directory: it must be the same to the last byte.
set -euo pipefail
cd "$(dirname "$0")/.."

mkdir -p dist
other=$(mktemp -d "$PWD/dist/again.XXXXXX")
trap 'rm -rf "$other"' EXIT
cp -r src scripts package.json tsconfig.json "$other"
cp -rl node_modules "$other" 2>/dev/null || cp -r node_modules "$other"
"$other/scripts/build.sh" >/dev/null
[ -x dist/skopeo ] || scripts/build.sh >/dev/null
cmp dist/skopeo "$other/dist/skopeo"
sha256sum dist/skopeo
