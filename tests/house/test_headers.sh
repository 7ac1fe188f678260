#!/usr/bin/env bash
# Every public header compiles alone, included twice, as strict C11 and as C++17.
set -euo pipefail
cd "${CAIRN_SOURCE_DIR:-$(dirname "$0")/../..}"

flags=(-pedantic-errors -Wall -Wextra -Werror -Icore/include -Iadapters/include)

# compiles_alone HEADER COMPILER-AND-FLAGS...
compiles_alone() {
    local header=$1
    shift
    printf '#include <%s>\n#include <%s>\ntypedef int not_empty;\n' "$header" "$header" |
        "$@" "${flags[@]}" -fsyntax-only -
}

# check HEADER: complains, and fails, if it does not compile in one of the languages.
check() {
    compiles_alone "$1" "${CC:-cc}" -std=c11 -x c &&
        compiles_alone "$1" "${CXX:-c++}" -std=c++17 -x c++
}

self_check() {
    local bad flags=("${flags[@]}" "-I$scratch")
    echo 'size_t needs_stddef(void);' >"$scratch/incomplete.h"
    echo 'struct twice { int a; };' >"$scratch/unguarded.h"
    echo 'extern int class;' >"$scratch/not_cplusplus.h"
    echo 'struct empty { };' >"$scratch/not_strict.h"
    for bad in "$scratch"/*.h; do
        if check "${bad##*/}" 2>/dev/null; then
            echo "self-check: ${bad##*/} was accepted"
            exit 1
        fi
    done
}

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
self_check
failed=0
headers=0
while IFS= read -r file; do
    check "${file#*/include/}" || failed=1
    headers=$((headers + 1))
done < <(find core/include adapters/include -name '*.h' 2>/dev/null | sort)
echo "$headers headers"
((failed == 0 && headers > 0))
