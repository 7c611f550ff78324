#!/usr/bin/env bash
# Everything that has to pass: installs the peers, checks, builds, tests the binary and its sources on Bun and the
# library on Node, and runs the demo. A part that fails does not keep the others from running; the last line counts all.
set -uo pipefail
cd "$(dirname "$0")/.."
exec </dev/null

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
log=$work/log
# What tests leave behind goes with it.
export TMPDIR=$work/temporary
mkdir "$TMPDIR"

passed=0 failed=0 skipped=0
broken=()

announce() { printf '\n== %s ==\n' "$1"; }

# Runs a command that counts as one test.
part() {
  announce "$1"
  if "${@:2}" 2>&1 | tee -a "$log"; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    broken+=("$1")
  fi
}

# The number in the last line of $log.$1 that matches $2, or 0.
number() { { grep -E "$2" "$log.$1" || true; } | tail -n 1 | tr -dc '0-9' | sed 's/^$/0/'; }

# Adds up what a test runner reported. One that failed without a failed test, as when a file does not load, counts as
# one more.
tally() {
  local name=$1 status=$2 pass=$3 fail=$4 skip=$5
  [ "$status" -eq 0 ] || [ "$fail" -gt 0 ] || fail=1
  [ "$status" -eq 0 ] || broken+=("$name")
  passed=$((passed + pass)) failed=$((failed + fail)) skipped=$((skipped + skip))
}

announce "programs to compare with"
scripts/install-peers.sh 2>&1 | tee -a "$log"

part "types, lint, format, unused code" scripts/check.sh
part "build" node_modules/.bin/bun scripts/build.ts
part "build once more, to the last byte" scripts/reproduce.sh
part "bill of materials" node_modules/.bin/bun scripts/sbom.ts
part "known weaknesses of dependencies" scripts/audit.sh

announce "tests on Bun"
[ -x dist/skopeo ] && export SKOPEO_BINARY=$PWD/dist/skopeo
# As many files at a time as there are processors: most tests wait for programs that they have started.
node_modules/.bin/bun test --parallel --timeout 60000 2>&1 | tee -a "$log" "$log.bun"
tally "tests on Bun" $? "$(number bun '^ *[0-9]+ pass$')" "$(number bun '^ *[0-9]+ fail$')" \
  "$(number bun '^ *[0-9]+ skip$')"

announce "tests of the library on Node $(node_modules/.bin/node --version)"
node_modules/.bin/node --test --test-reporter=spec --test-reporter-destination=stdout \
  --test-reporter=tap --test-reporter-destination="$log.node" 'test/node/*.test.ts'
tally "tests on Node" $? "$(number node '^# pass [0-9]+$')" "$(number node '^# fail [0-9]+$')" \
  "$(number node '^# skipped [0-9]+$')"

part "demo" node_modules/.bin/bun scripts/demo.ts

announce "summary"
if grep -qE '^(NOT INSTALLED|LEFT OUT)' "$log"; then
  echo "Left out, because programs to compare with are missing:"
  grep -E '^(NOT INSTALLED|LEFT OUT)' "$log" | sort -u | sed 's/^/  /'
fi
[ ${#broken[@]} -eq 0 ] || printf 'Failed: %s\n' "${broken[@]}"
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
