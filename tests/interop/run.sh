#!/usr/bin/env bash
# run.sh PROGRAM...: installs what package-lock.json says, once, and runs the tests with it. Ends with
# 77, which ctest takes for skipped, where no npm registry answers and nothing is installed yet.
set -euo pipefail

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
modules=${CAIRN_INTEROP_FOLDER:-$here/../../build/deps/interop}
skipped=77

fail() {
    printf 'interop: %s\n' "$*" >&2
    exit 1
}

for tool in node npm; do
    command -v "$tool" >/dev/null || fail "there is no $tool: ./dev test installs it"
done

wanted=$(sha256sum "$here/package.json" "$here/package-lock.json" | sha256sum | cut -c 1-64)

install_modules() {
    [[ $(cat installed 2>/dev/null) != "$wanted" ]] || return 0
    rm -f installed
    cp "$here/package.json" "$here/package-lock.json" .
    npm ci --omit=optional --ignore-scripts --no-audit --no-fund || return 1
    printf '%s\n' "$wanted" >installed
}

registry_answers() { npm view redis version --fetch-retries=1 >/dev/null 2>&1; }

mkdir -p "$modules"
status=0
(
    cd "$modules"
    flock 9
    install_modules
) 9>"$modules.lock" || status=$?
if ((status != 0)); then
    ! registry_answers || fail "npm ci failed, though the npm registry answers"
    printf 'interop: skipped, for no npm registry answers\n'
    exit "$skipped"
fi

INTEROP_PEER=$here/peer.mjs INTEROP_MODULES=$(cd "$modules" && pwd)/node_modules exec "$@"
