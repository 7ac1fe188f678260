#!/usr/bin/env bash
# What is installed can be used as the README says, by pkg-config and by CMake, shares no name with
# a program but cairn's own, and is complete.
set -euo pipefail
source_folder=${CAIRN_SOURCE_DIR:-$(cd "$(dirname "$0")/../.." && pwd)}
build_folder=${CAIRN_BINARY_DIR:?the build to install from}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# cached NAME: what the build was configured with.
cached() {
    sed -n "s/^$1:[A-Z]*=//p" "$build_folder/CMakeCache.txt"
}

prefix=$scratch/usr
cmake --install "$build_folder" --prefix "$prefix" >"$scratch/log" || {
    cat "$scratch/log"
    exit 1
}
archive=$(find "$prefix" -name libcairn.a)
package_folder=$(dirname "$(find "$prefix" -name cairn.pc)")

# What begins with _ is the compiler's.
foreign=$(nm --extern-only --defined-only --portability "$archive" |
    awk 'NF >= 2 && $1 !~ /^(cairn_|_)/ { print $1 }')
[[ -z $foreign ]] || {
    echo "names that are not cairn's: $(head -n 5 <<<"$foreign" | xargs)"
    exit 1
}

sanitizers=$(cached CAIRN_SANITIZE)
flags=(${sanitizers:+-fsanitize=${sanitizers//;/,}})
others=$(cached CMAKE_PREFIX_PATH)
example=$source_folder/tests/examples/store_facts.c

# TLS is our own.
if grep -rn hiredis_ssl "$prefix"; then
    echo "what is installed wants hiredis's TLS, which nothing uses"
    exit 1
fi

# hiredis may be an archive in a folder of its own.
search=$package_folder
for folder in ${others//;/ }; do search+=:$folder/lib/pkgconfig; done
read -ra by_pkg_config < <(PKG_CONFIG_PATH=$search pkg-config --cflags --libs --static cairn)
"${CC:-cc}" -std=c11 -D_POSIX_C_SOURCE=200809L "${flags[@]}" "$example" "${by_pkg_config[@]}" \
    -o "$scratch/by_pkg_config"
"$scratch/by_pkg_config"

mkdir "$scratch/program"
cat >"$scratch/program/CMakeLists.txt" <<END
cmake_minimum_required(VERSION 3.25)
project(program C)
find_package(cairn REQUIRED)
add_executable(by_cmake $example)
target_compile_definitions(by_cmake PRIVATE _POSIX_C_SOURCE=200809L)
target_compile_options(by_cmake PRIVATE ${flags[*]})
target_link_options(by_cmake PRIVATE ${flags[*]})
target_link_libraries(by_cmake PRIVATE cairn::cairn)
END
{
    cmake -S "$scratch/program" -B "$scratch/program/build" "-DCMAKE_C_COMPILER=${CC:-cc}" \
        "-DCMAKE_PREFIX_PATH=$prefix;$others" && cmake --build "$scratch/program/build"
} >"$scratch/log" || {
    cat "$scratch/log"
    exit 1
}
"$scratch/program/build/by_cmake"
