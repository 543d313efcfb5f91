#!/usr/bin/env bash
# Builds the release archives again, by the command given, in a copy of the checkout at another place, and compares all files
# with those of dist/. With FRESH set everything is compiled anew, not taken from Go's cache of builds.
set -euo pipefail
cd "$(dirname "$0")/.."

copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
mkdir "$copy/checkout"
git ls-files -z --cached --others --exclude-standard | while IFS= read -r -d '' file; do
  if [ -e "$file" ]; then printf '%s\0' "$file"; fi
done | tar --null --files-from=- -cf - | tar -xf - -C "$copy/checkout"
if [ -n "${FRESH:-}" ]; then
  export GOCACHE=$copy/cache
fi
(cd "$copy/checkout" && "$@" -out dist)
diff --recursive dist "$copy/checkout/dist"
echo "the same bytes twice: $(find dist -type f | wc -l) files"
