#!/usr/bin/env bash
# User instructions a message, of the client alone: callgrind counts what is inside count_window.
#     bench/count-instructions.sh build/release/bench/cairn-bench
# Fails if cairn needs more than the limits below; or if an operation on a cluster of one master, which is
# all that routing costs, needs so many per cent more than on one server.
set -euo pipefail

declare -A limits=([receive]=900)
messages=10000
routing_percent=10

program=${1:?the path of cairn-bench}
command -v valgrind >/dev/null || {
    echo "${0##*/}: valgrind is not installed (Debian: apt-get install valgrind)" >&2
    exit 1
}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# A process that the bench forks is watched too, but never enters the window, and adds nothing.
instructions() {
    rm -f "$scratch"/*
    valgrind --tool=callgrind --collect-atstart=no --toggle-collect=count_window \
        --callgrind-out-file="$scratch/out.%p" --log-file="$scratch/log.%p" \
        "$program" count "$@" --messages "$messages" >"$scratch/said"
    awk -v messages="$messages" '
        / Collected : / { sum += $NF }
        END { if (!sum) exit 1; printf "%.0f\n", sum / messages }' "$scratch"/log.*
}

failed=0
printf '%-12s %10s %10s %10s\n' 'instructions' cairn hiredis 'limit'
for what in receive publish roundtrip memory; do
    cairn=$(instructions "$what" --client cairn)
    hiredis=-
    [[ $what == memory ]] || hiredis=$(instructions "$what" --client hiredis)
    limit=${limits[$what]:--}
    verdict=''
    if [[ $limit != - ]] && ((cairn > limit)); then
        verdict='too many'
        failed=1
    fi
    printf '%-12s %10s %10s %10s  %s\n' "$what" "$cairn" "$hiredis" "$limit" "$verdict"
done

printf '\n%-12s %10s %10s %10s\n' 'routing' 'one server' cluster 'per cent'
for what in store.get store.put saver.get saver.put append; do
    alone=$(instructions "$what")
    routed=$(instructions "$what" --masters 1)
    percent=$((100 * (routed - alone) / alone))
    verdict=''
    if ((percent > routing_percent)); then
        verdict='too many'
        failed=1
    fi
    printf '%-12s %10s %10s %10s  %s\n' "$what" "$alone" "$routed" "$percent" "$verdict"
done
exit "$failed"
