#!/usr/bin/env bash
# Allocations a message, of the client alone, as the allocator hooks of cairn, hiredis and libuv
# see them.
#     bench/count-allocations.sh build/release/bench/cairn-bench
# Fails if cairn makes any.
set -euo pipefail

limit=0
messages=20000

program=${1:?the path of cairn-bench}

# In all, so that a single one is seen.
allocations() {
    "$program" count "$1" --client "$2" --messages "$messages" |
        awk '$1 == "allocations" { print $2; found = 1 } END { exit !found }'
}

a_message() { awk -v all="$1" -v messages="$messages" 'BEGIN { printf "%.3f", all / messages }'; }

failed=0
printf '%-12s %10s %10s %10s\n' 'allocations' cairn hiredis 'limit'
for what in receive publish roundtrip memory; do
    all=$(allocations "$what" cairn)
    hiredis=-
    [[ $what == memory ]] || hiredis=$(a_message "$(allocations "$what" hiredis)")
    verdict=''
    if ((all > limit * messages)); then
        verdict="$all in $messages messages"
        failed=1
    fi
    printf '%-12s %10s %10s %10s  %s\n' "$what" "$(a_message "$all")" "$hiredis" "$limit" "$verdict"
done
exit "$failed"
