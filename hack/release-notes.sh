#!/usr/bin/env bash
# Prints what CHANGELOG.md says of one version; it is an error if it says nothing.
#   hack/release-notes.sh v1.2.3
set -euo pipefail
cd "$(dirname "$0")/.."

version=${1#v}
notes=$(awk -v heading="## [$version]" '
  index($0, "## ") == 1 { inside = index($0, heading) == 1; next }
  /^\[[^]]+\]: / { inside = 0 }
  inside { print }
' CHANGELOG.md)
if [ -z "${notes//[[:space:]]/}" ]; then
  echo "CHANGELOG.md has nothing under \"## [$version]\"" >&2
  exit 1
fi
printf '%s\n' "$notes"
