#!/usr/bin/env bash
# Installs the real programs that the tests compare with, from Debian's packages, where they are missing and this
# user may install them. Never fails: tests leave out what they cannot find, and say so.
set -u
exec </dev/null
# Daemons are there, which a user's path may leave out.
PATH=$PATH:/usr/sbin

declare -A packages=(
  [docker-registry]=docker-registry [skopeo]=skopeo [umoci]=umoci [htpasswd]=apache2-utils [jq]=jq
  [openssl]=openssl [curl]=curl [qemu-aarch64-static]=qemu-user-static [podman]=podman [dockerd]=docker.io
  [zsh]=zsh [fish]=fish [mandoc]=mandoc [gcc]=gcc [busybox]=busybox
)
# The C library that the emulated binary for arm64 needs, and the one of the binaries for musl.
arm_root=/usr/aarch64-linux-gnu
musl_loader=/lib/ld-musl-$(uname -m).so.1

# Sets `missing` to the packages of the programs that are not there.
look() {
  missing=()
  local program
  for program in "${!packages[@]}"; do
    command -v "$program" >/dev/null || missing+=("${packages[$program]}")
  done
  [ -d "$arm_root" ] || missing+=(libc6-arm64-cross)
  [ -e "$musl_loader" ] || missing+=(musl)
}

leave_out() {
  echo "NOT INSTALLED ($1): ${missing[*]}. Tests that need them are left out." >&2
  exit 0
}

look
[ ${#missing[@]} -gt 0 ] || exit 0
command -v apt-get >/dev/null || leave_out "there is no apt-get"
as_root=()
if [ "$(id -u)" != 0 ]; then
  sudo -n true 2>/dev/null || leave_out "that needs root"
  as_root=(sudo -n)
fi

# Debian's packages of servers start them as they are installed, unless this file says no.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$policy" >/dev/null
  "${as_root[@]}" chmod +x "$policy"
  trap '"${as_root[@]}" rm -f "$policy"' EXIT
fi

apt() {
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq \
    -o Acquire::Retries=2 -o Acquire::http::Timeout=30 -o DPkg::Lock::Timeout=120 "$@" >/dev/null
}

echo "installing ${missing[*]}" >&2
apt update || true
# All at once is fastest; where one cannot be had, the others still can.
if ! apt install -y --no-install-recommends "${missing[@]}"; then
  for package in "${missing[@]}"; do apt install -y --no-install-recommends "$package" || true; done
fi
if [[ " ${missing[*]} " == *" docker-registry "* ]] && command -v systemctl >/dev/null; then
  # Nor at the next start of the machine: tests start their own.
  "${as_root[@]}" systemctl disable --now docker-registry >/dev/null 2>&1 || true
fi
look
[ ${#missing[@]} -eq 0 ] || leave_out "apt-get could not"
exit 0
