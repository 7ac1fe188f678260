#!/bin/sh
# prefix-names.sh NM OBJCOPY ARCHIVE: puts cairn__ before every name that the archive's members share
# among themselves and that is not part of the API, so that they cannot meet names of the program that
# it is linked into.
set -eu
nm=$1 objcopy=$2 archive=$3
names=$(mktemp)
trap 'rm -f "$names"' EXIT
# What begins with _ is the compiler's: sanitizers add such.
"$nm" --extern-only --defined-only --portability "$archive" |
    awk 'NF >= 2 && $1 !~ /^(cairn|_)/ { print $1, "cairn__" $1 }' | sort -u > "$names"
"$objcopy" --redefine-syms="$names" "$archive"
