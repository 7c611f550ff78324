#!/usr/bin/env bash
# Installs the real programs that the tests compare with, from Debian's packages, where they are missing and this
# user may install them. Never fails: tests leave out what they cannot find, and say so.
set -u

declare -A packages=(
  [docker-registry]=docker-registry [skopeo]=skopeo [umoci]=umoci [htpasswd]=apache2-utils [jq]=jq
  [openssl]=openssl [curl]=curl
)
missing=()
for program in "${!packages[@]}"; do
  command -v "$program" >/dev/null || missing+=("${packages[$program]}")
done
[ ${#missing[@]} -gt 0 ] || exit 0

if ! command -v apt-get >/dev/null; then
  echo "NOT INSTALLED (this is no Debian): ${missing[*]}. Tests that need them are left out." >&2
  exit 0
fi
as_root=()
if [ "$(id -u)" != 0 ]; then
  if sudo -n true 2>/dev/null; then
    as_root=(sudo -n)
  else
    echo "NOT INSTALLED (needs root): apt-get install ${missing[*]}. Tests that need them are left out." >&2
    exit 0
  fi
fi

echo "installing ${missing[*]}" >&2
# Packages of servers start them as they are installed, unless this file says no.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$policy" >/dev/null
  "${as_root[@]}" chmod +x "$policy"
  trap '"${as_root[@]}" rm -f "$policy"' EXIT
fi
"${as_root[@]}" apt-get update -qq >&2 || true
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null ||
  echo "NOT INSTALLED: some of ${missing[*]}. Tests that need them are left out." >&2
exit 0
