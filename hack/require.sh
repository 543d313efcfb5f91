#!/usr/bin/env bash
# Says at once what is missing of the tools named as arguments, and how to get it.
set -euo pipefail
cd "$(dirname "$0")/.."

missing=0
lacks() {
  printf 'missing: %s\n  get it: %s\n' "$1" "$2" >&2
  missing=1
}

need_go() {
  local want have
  want=$(awk '$1 == "go" {print $2; exit}' go.mod)
  have=$(go env GOVERSION 2>/dev/null | sed 's/^go//') || have=
  if [ -z "$have" ] || [ "$(printf '%s\n%s\n' "$want" "$have" | sort -V | head -n 1)" != "$want" ]; then
    lacks "Go $want or newer (found: ${have:-none})" "https://go.dev/doc/install"
  fi
}

need_java() {
  local version
  version=$(java -version 2>&1 | awk -F'"' '/version/ {split($2, part, "."); print part[1]; exit}') || version=
  if ! [ "${version:-0}" -ge 17 ] 2>/dev/null; then
    lacks "a JDK 17 or newer, which runs the Infinispan servers (found: ${version:-none})" "Debian: apt-get install openjdk-17-jdk-headless"
  fi
}

need_mvn() {
  command -v mvn >/dev/null || lacks "Maven, which fetches the Infinispan servers" "Debian: apt-get install maven"
}

need_cc() {
  command -v "${CC:-cc}" >/dev/null || lacks "a C compiler, which the race detector of the tests needs" "Debian: apt-get install gcc libc6-dev"
}

need_tmux() {
  command -v tmux >/dev/null || lacks "tmux, a terminal that can be recorded" "Debian: apt-get install tmux"
}

need_shells() {
  command -v zsh >/dev/null || lacks "zsh, in which completion is tested" "Debian: apt-get install zsh"
  command -v fish >/dev/null || lacks "fish, in which completion is tested" "Debian: apt-get install fish"
  [ -e /usr/share/bash-completion/bash_completion ] ||
    lacks "bash-completion, which the completion of kubectl in bash needs" "Debian: apt-get install bash-completion"
}

for tool in "$@"; do
  "need_$tool"
done
exit "$missing"
