#!/usr/bin/env bash
# Everything that has to pass: installs the peers, checks, builds, and tests the binary on Bun and the library on Node.
set -euo pipefail
cd "$(dirname "$0")/.."

log=$(mktemp)
trap 'rm -f "$log"' EXIT

scripts/install-peers.sh
scripts/check.sh
scripts/build.sh
SKOPEO_BINARY="$PWD/dist/skopeo" node_modules/.bin/bun test --timeout 60000 2>&1 | tee "$log"
node_modules/.bin/node --test --test-reporter=tap 'test/node/*.test.ts' 2>&1 | tee -a "$log" | grep -v '^ ' || true

count() { grep -E "$1" "$log" | grep -oE '[0-9]+' | paste -sd+ | bc || true; }
node_failed=$(count '^# fail [0-9]+')
passed=$(($(count '^ *[0-9]+ pass$') + $(count '^# pass [0-9]+')))
skipped=$(($(count '^ *[0-9]+ skip$') + 0))
failed=$(($(count '^ *[0-9]+ fail$') + node_failed))
if grep -q '^LEFT OUT' "$log"; then
  echo
  echo "Left out, because programs to compare with are missing:"
  grep '^LEFT OUT' "$log" | sort | uniq
fi
echo
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
