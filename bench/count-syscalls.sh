#!/usr/bin/env bash
# System calls a message, of the client alone: strace lists them, and two calls of getppid, which
# nobody else makes, stand around those that count.
#     bench/count-syscalls.sh build/release/bench/cairn-bench
# Fails if cairn makes more than the limits below.
set -euo pipefail

declare -A limits=([roundtrip]=6)
epoll_ctl_limit=0
messages=2000

program=${1:?the path of cairn-bench}
command -v strace >/dev/null || {
    echo "${0##*/}: strace is not installed (Debian: apt-get install strace)" >&2
    exit 1
}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# calls WHAT CLIENT: all of them, and those of epoll_ctl, a message. "name:count" a message of
# each goes to $scratch/by-name.
calls() {
    strace -qq -o "$scratch/trace" \
        "$program" count "$1" --client "$2" --messages "$messages" >"$scratch/said"
    awk -v messages="$messages" -v names="$scratch/by-name" '
        /^getppid\(/ { inside = !inside; marks++; next }
        inside && match($0, /^[a-z0-9_]+\(/) { count[substr($0, 1, RLENGTH - 1)]++; all++ }
        END {
            if (marks != 2) exit 1
            printf "%.3f %.3f\n", all / messages, count["epoll_ctl"] / messages
            for (name in count)
                if (count[name]) printf "%s %.3f\n", name, count[name] / messages >names
        }' "$scratch/trace"
}

exceeds() { awk -v value="$1" -v limit="$2" 'BEGIN { exit !(value > limit) }'; }

failed=0
printf '%-12s %10s %10s %10s   %s\n' 'system calls' cairn hiredis 'limit' 'of them, by cairn'
for what in receive publish roundtrip memory; do
    rm -f "$scratch/by-name"
    read -r cairn epoll_ctl < <(calls "$what" cairn)
    detail=$(sort -k2 -rn "$scratch/by-name" 2>/dev/null | awk '$2 > 0 {printf "%s %s  ", $1, $2}')
    hiredis=-
    [[ $what == memory ]] || read -r hiredis _ < <(calls "$what" hiredis)
    limit=${limits[$what]:--}
    verdict=''
    if [[ $limit != - ]] && exceeds "$cairn" "$limit"; then
        verdict='too many '
        failed=1
    fi
    if exceeds "$epoll_ctl" "$epoll_ctl_limit"; then
        verdict+="epoll_ctl $epoll_ctl"
        failed=1
    fi
    printf '%-12s %10s %10s %10s   %s %s\n' "$what" "$cairn" "$hiredis" "$limit" "$detail" \
        "$verdict"
done
exit "$failed"
