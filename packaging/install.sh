#!/bin/sh
# Installs skopeo below a prefix, or takes away what it installed there. It needs curl or wget, tar, gzip, and a program that
# computes SHA-256.
set -eu
LC_ALL=C
export LC_ALL

usage() {
  cat <<'END'
install.sh [--version VERSION] [--prefix DIRECTORY] [--url URL] [--target SYSTEM] [--force]
install.sh --uninstall [--prefix DIRECTORY]

  --version   which release (default: $SKOPEO_VERSION, or @VERSION@)
  --prefix    where it goes (default: $SKOPEO_PREFIX, or /usr/local for root and ~/.local for others)
  --url       where the releases are (default: $SKOPEO_URL, or @BASE_URL@)
  --target    for which system, as in the names of the archives (default: this one)
  --force     replace files that something else has installed
  --uninstall remove what install.sh has installed below the prefix
END
}

# The checksums of the archives of @VERSION@. Those of other releases are read from their SHA256SUMS.
own_version=@VERSION@
own_sums='@ARCHIVE_SUMS@'

main() {
  version=${SKOPEO_VERSION:-$own_version}
  prefix=${SKOPEO_PREFIX:-}
  url=${SKOPEO_URL:-@BASE_URL@}
  target='' force='' uninstall=''
  while [ $# -gt 0 ]; do
    case $1 in
      --version) needs_value "$@" && version=$2 && shift ;;
      --prefix) needs_value "$@" && prefix=$2 && shift ;;
      --url) needs_value "$@" && url=$2 && shift ;;
      --target) needs_value "$@" && target=$2 && shift ;;
      --force) force=yes ;;
      --uninstall) uninstall=yes ;;
      -h | --help) usage && return ;;
      *) usage >&2 && fail "unknown argument: $1" ;;
    esac
    shift
  done
  case $version in '' | *[!A-Za-z0-9.+-]*) fail "$version is no version" ;; esac
  if [ -z "$prefix" ]; then
    if [ "$(id -u)" = 0 ]; then prefix=/usr/local; else prefix=$HOME/.local; fi
  fi
  # What was installed, a line for each: paths below the prefix, directories with a slash at their end, the innermost last.
  list=$prefix/share/skopeo/installed
  work=$(mktemp -d) new=''
  trap 'rm -rf "$work" ${new:+"$new"}' EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
  if [ -n "$uninstall" ]; then remove; else install; fi
}

fail() {
  printf 'install.sh: %s\n' "$*" >&2
  exit 1
}

needs_value() {
  [ $# -gt 1 ] || fail "$1 needs a value"
}

install() {
  [ -n "$target" ] || target=$(this_system)
  # Known before anything is fetched; the other files are looked at when their names are known.
  echo bin/skopeo >"$work/files" && refuse_strangers
  name=skopeo-$version-$target
  expected=$(checksum_of "archives/$name.tar.gz")
  [ -n "$expected" ] || fail "release $version has nothing for $target"
  fetch "$url/$version/archives/$name.tar.gz" "$work/archive.tar.gz"
  found=$(sha256 "$work/archive.tar.gz")
  [ "$found" = "$expected" ] ||
    fail "$name.tar.gz is not what was released: its SHA-256 is $found, not $expected. Nothing was installed."
  gzip -dc "$work/archive.tar.gz" | (cd "$work" && tar -xf -)
  tree=$work/$name
  try_it "$tree/bin/skopeo"
  (cd "$tree" && find bin share -type f) | sort >"$work/files"
  refuse_strangers
  old=/dev/null
  [ -f "$list" ] && cp "$list" "$work/old" && old=$work/old
  make_directories
  # The list comes first: an installation that is broken off can be removed.
  { grep '/$' "$old" || true; cat "$work/made" "$work/files"; echo share/skopeo/installed; } | sort -u >"$work/list"
  cp "$work/list" "$list"
  while read -r file; do
    # Replaced whole: a skopeo that is running now goes on.
    new=$prefix/$file.new.$$
    cp "$tree/$file" "$new"
    mv -f "$new" "$prefix/$file"
  done <"$work/files"
  # What an older release had and this one has not.
  grep -v '/$' "$old" | grep -vxF -f "$work/list" >"$work/gone" || true
  while read -r file; do rm -f "$prefix/$file"; done <"$work/gone"
  printf 'installed %s as %s\n' "$("$prefix/bin/skopeo" --version 2>/dev/null || echo "$name")" "$prefix/bin/skopeo"
  case :$PATH: in *:"$prefix/bin":*) ;; *) printf 'note: %s is not on your PATH\n' "$prefix/bin" ;; esac
}

# Only where it can run: --target may be for another system.
try_it() {
  [ "$target" = "$(this_system)" ] || return 0
  "$1" --version >"$work/told" 2>&1 && return
  cat "$work/told" >&2
  case $target in
    *-musl) fail "the binary does not run here; it needs libstdc++ (on Alpine: apk add libstdc++). Nothing was installed." ;;
    *) fail "the binary does not run here. Nothing was installed." ;;
  esac
}

# Files that are there already must be those of an earlier run.
refuse_strangers() {
  [ -z "$force" ] || return 0
  while read -r file; do
    [ ! -e "$prefix/$file" ] || { [ -f "$list" ] && grep -qxF "$file" "$list"; } ||
      fail "$prefix/$file is there already, and not from this script; --force replaces it. Nothing was installed."
  done <"$work/files"
}

# Writes to `made` which directories were not there.
make_directories() {
  : >"$work/made"
  { sed 's|/[^/]*$||' "$work/files"; echo share/skopeo; } | sort -u >"$work/directories"
  while read -r directory; do
    path=''
    for part in $(printf '%s' "$directory" | tr / ' '); do
      path=$path$part/
      [ -d "$prefix/$path" ] || echo "$path" >>"$work/made"
      mkdir -p "$prefix/$path" || fail "$prefix/$path cannot be made"
    done
  done <"$work/directories"
}

remove() {
  [ -f "$list" ] || fail "nothing below $prefix was installed by this script"
  cp "$list" "$work/list"
  while read -r file; do
    case $file in
      /* | .. | ../* | */../* | */..) fail "$list names $file, which is not below $prefix" ;;
      */ | '') ;;
      *) rm -f "$prefix/$file" ;;
    esac
  done <"$work/list"
  # Directories that this script made, unless something else is in them by now.
  grep '/$' "$work/list" | sort -r | while read -r directory; do
    rmdir "$prefix/$directory" 2>/dev/null || true
  done
  printf 'removed skopeo from %s\n' "$prefix"
}

checksum_of() {
  if [ "$version" = "$own_version" ]; then
    printf '%s\n' "$own_sums" >"$work/sums"
  else
    fetch "$url/$version/SHA256SUMS" "$work/sums"
  fi
  while read -r sum file; do
    [ "$file" != "$1" ] || printf '%s' "$sum"
  done <"$work/sums"
}

fetch() {
  if command -v curl >/dev/null 2>&1; then
    case $1 in
      https:*) curl --fail --silent --show-error --location --proto '=https' --output "$2" "$1" ;;
      *) curl --fail --silent --show-error --location --output "$2" "$1" ;;
    esac || fail "$1 cannot be fetched"
  elif command -v wget >/dev/null 2>&1; then
    wget -q -O "$2" "$1" || fail "$1 cannot be fetched"
  else
    fail "curl or wget is needed"
  fi
}

sha256() {
  if command -v sha256sum >/dev/null 2>&1; then
    sha256sum <"$1" | cut -d ' ' -f 1
  elif command -v shasum >/dev/null 2>&1; then
    shasum -a 256 <"$1" | cut -d ' ' -f 1
  elif command -v sha256 >/dev/null 2>&1; then
    sha256 -q "$1"
  elif command -v openssl >/dev/null 2>&1; then
    openssl dgst -sha256 -r "$1" | cut -d ' ' -f 1
  else
    fail "sha256sum, shasum, sha256 or openssl is needed"
  fi
}

this_system() {
  cpu=$(uname -m)
  case $cpu in
    x86_64 | amd64) cpu=x64 ;;
    aarch64 | arm64) cpu=arm64 ;;
    *) fail "there is no binary for processors of kind $cpu" ;;
  esac
  case $(uname -s) in
    Linux) if is_musl; then echo "linux-$cpu-musl"; else echo "linux-$cpu"; fi ;;
    Darwin)
      # Under Rosetta a Mac of Apple's says that it is another one.
      [ "$(sysctl -n sysctl.proc_translated 2>/dev/null || true)" != 1 ] || cpu=arm64
      echo "darwin-$cpu"
      ;;
    FreeBSD) echo "freebsd-$cpu" ;;
    MINGW* | MSYS* | CYGWIN*) echo "windows-$cpu" ;;
    *) fail "there is no binary for $(uname -s)" ;;
  esac
}

# Whether the C library of this system is musl. Its loader alone does not tell: it may be there besides glibc.
is_musl() {
  case $(ldd --version 2>&1 || true) in
    *musl*) return 0 ;;
    *GLIBC* | *GNU* | *Free\ Software*) return 1 ;;
  esac
  for loader in /lib64/ld-linux-x86-64.so.2 /lib/ld-linux-aarch64.so.1; do
    [ ! -e "$loader" ] || return 1
  done
  for loader in /lib/ld-musl-*.so.1; do
    [ ! -e "$loader" ] || return 0
  done
  return 1
}

main "$@"
