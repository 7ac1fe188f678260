#!/usr/bin/env bash
# Each room may include only what it is meant to know. The first half is the rule; the second shows,
# on trees made for it, that the rule refuses what it should, and then applies it to the project.
set -euo pipefail

libc='^<((assert|complex|ctype|errno|fenv|float|inttypes|iso646|limits|locale|math|setjmp|signal'
libc+='|stdalign|stdarg|stdatomic|stdbool|stddef|stdint|stdio|stdlib|stdnoreturn|string|tgmath'
libc+='|threads|time|uchar|wchar|wctype'
libc+='|dirent|endian|fcntl|fnmatch|ftw|getopt|glob|grp|ifaddrs|libgen|malloc|netdb|poll|pthread|pwd'
libc+='|regex|sched|semaphore|spawn|strings|syslog|termios|ucontext|unistd)\.h'
libc+='|(sys|net|netinet|arpa)/[a-z_]+\.h)>$'

is_libc() { [[ $1 =~ $libc ]]; }
is_uv() { [[ $1 == '<uv.h>' ]]; }
is_hiredis() { [[ $1 == '<hiredis/'*.h'>' ]]; }
is_openssl() { [[ $1 == '<openssl/'*.h'>' ]]; }
is_jansson() { [[ $1 == '<jansson.h>' ]]; }
is_intrinsics() { [[ $1 == '<immintrin.h>' ]]; } # the compiler's own

# is_public FOLDER INCLUDE: a cairn/ header of that room.
is_public() { [[ $2 =~ ^[\"\<]cairn/ && -f $1/include/${2:1:-1} ]]; }
is_driver_header() { [[ $1 =~ ^[\"\<]cairn/sys/ ]]; }

# is_own FOLDER INCLUDE: a private header of that folder.
is_own() { [[ $2 == '"'*'"' && -f $1/${2:1:-1} ]]; }

# may_include FILE INCLUDE: the rule. INCLUDE keeps its quotes or angle brackets.
may_include() {
    local file=$1 include=$2 folder
    [[ $include != *..* ]] || return 1

    case $file in
        */include/*)
            is_public "${file%%/*}" "$include" || is_public core "$include" ||
                is_uv "$include" || is_libc "$include" ||
                { [[ $file == adapters/*/hiredis*.h ]] && is_hiredis "$include"; }
            ;;
        core/*)
            is_public core "$include" || is_own core "$include" ||
                is_uv "$include" || is_libc "$include" ||
                { [[ $file == core/json*.[ch] ]] && is_jansson "$include"; } ||
                { [[ $file == core/vector_sums.c ]] && is_intrinsics "$include"; }
            ;;
        backends/*/*)
            folder=${file#backends/}
            folder=backends/${folder%%/*}
            is_public core "$include" || is_public adapters "$include" ||
                is_own "$folder" "$include" || is_uv "$include" || is_libc "$include" ||
                { [[ $folder == backends/redis ]] &&
                    { is_hiredis "$include" || is_openssl "$include"; }; }
            ;;
        backends/*)
            is_public core "$include"
            ;;
        adapters/*)
            ! is_driver_header "$include" &&
                { is_public core "$include" || is_public adapters "$include" ||
                    is_own adapters "$include" || is_uv "$include" || is_libc "$include" ||
                    { [[ $file == adapters/hiredis* ]] && is_hiredis "$include"; }; }
            ;;
        bench/*)
            ! is_driver_header "$include" &&
                { is_public core "$include" || is_public adapters "$include" ||
                    is_own bench "$include" || is_uv "$include" || is_libc "$include" ||
                    is_openssl "$include" ||
                    is_hiredis "$include" || is_jansson "$include"; }
            ;;
        *) return 1 ;;
    esac
}

# Prints every include that the tree in the current folder must not have, and fails if there is one.
check_tree() {
    local line file number include refused=0
    seen=0
    while IFS= read -r line; do
        seen=$((seen + 1))
        IFS=: read -r file number include <<<"$line"
        [[ $include =~ ^[[:space:]]*#[[:space:]]*include[[:space:]]*([^[:space:]]*) ]]
        include=${BASH_REMATCH[1]}
        if ! may_include "$file" "$include"; then
            printf '%s:%s: may not include %s\n' "$file" "$number" "$include"
            refused=1
        fi
    done < <(find core backends adapters bench -name '*.[ch]' -exec \
        grep -HnE '^[[:space:]]*#[[:space:]]*include' {} + 2>/dev/null | sort)
    ((refused == 0))
}

# ---------------------------------------------------------------- the rule can refuse

make_tree() {
    mkdir -p core/include/cairn/sys backends/{memory,redis} adapters/include/cairn bench
    touch core/include/cairn/{a,sys/driver}.h core/private.h backends/{memory,redis}/own.h \
        adapters/include/cairn/loop.h adapters/own.h bench/own.h
}

# expect ACCEPTED|REFUSED FILE INCLUDE
expect() {
    local verdict=REFUSED
    printf '#include %s\n' "$3" >"$2"
    ! check_tree >found || verdict=ACCEPTED
    rm "$2"
    if [[ $verdict != "$1" ]]; then
        printf 'self-check: %s in %s was %s\n' "$3" "$2" "$verdict"
        exit 1
    fi
}

self_check() (
    cd "$scratch"
    make_tree
    expect ACCEPTED core/x.c '<cairn/sys/driver.h>'
    expect ACCEPTED core/x.c '"private.h"'
    expect ACCEPTED core/x.c '<uv.h>'
    expect ACCEPTED core/x.c '<sys/socket.h>'
    expect ACCEPTED core/json.c '<jansson.h>'
    expect ACCEPTED core/json_value.h '<jansson.h>'
    expect ACCEPTED core/vector_sums.c '<immintrin.h>'
    expect REFUSED core/vector.c '<immintrin.h>'
    expect REFUSED core/x_json.c '<jansson.h>'
    expect REFUSED core/x.c '<jansson.h>'
    expect REFUSED core/include/cairn/json.h '<jansson.h>'
    expect REFUSED core/x.c '<hiredis/hiredis.h>'
    expect REFUSED core/x.c '"hiredis/hiredis.h"'
    expect REFUSED core/x.c '<cairn/loop.h>'
    expect REFUSED core/x.c '<cairn/missing.h>'
    expect REFUSED core/x.c '"../backends/redis/own.h"'
    expect REFUSED core/x.c '"own.h"'
    expect REFUSED core/x.c 'MACRO'
    expect REFUSED core/include/cairn/x.h '"private.h"'
    expect REFUSED core/include/cairn/x.h '<cairn/loop.h>'
    expect REFUSED core/include/cairn/x.h '<hiredis/hiredis.h>'

    expect ACCEPTED backends/memory/x.c '<cairn/sys/driver.h>'
    expect ACCEPTED backends/memory/x.c '"own.h"'
    expect REFUSED backends/memory/x.c '<hiredis/hiredis.h>'
    expect REFUSED backends/memory/x.c '<openssl/ssl.h>'
    expect REFUSED backends/memory/x.c '"redis/own.h"'
    expect REFUSED backends/memory/x.c '"private.h"'
    expect ACCEPTED backends/redis/x.c '<hiredis/async.h>'
    expect ACCEPTED backends/redis/x.c '<openssl/ssl.h>'
    expect REFUSED backends/redis/x.c '"../memory/own.h"'
    expect REFUSED backends/redis/x.c '"private.h"'
    expect REFUSED backends/redis/x.c '<jansson.h>'
    expect REFUSED backends/redis/x.c '<cmocka.h>'
    expect ACCEPTED backends/x.c '<cairn/sys/driver.h>'
    expect REFUSED backends/x.c '<stdio.h>'
    expect REFUSED backends/x.c '"redis/own.h"'

    expect ACCEPTED adapters/x.c '<cairn/loop.h>'
    expect ACCEPTED adapters/hiredis_x.c '<hiredis/async.h>'
    expect REFUSED adapters/x.c '<hiredis/async.h>'
    expect REFUSED adapters/x.c '<cairn/sys/driver.h>'
    expect REFUSED adapters/x.c '"private.h"'

    expect ACCEPTED bench/x.c '<hiredis/hiredis.h>'
    expect ACCEPTED bench/x.c '<jansson.h>'
    expect ACCEPTED bench/x.c '<openssl/ssl.h>'
    expect REFUSED bench/x.c '<cairn/sys/driver.h>'
    expect REFUSED bench/x.c '"private.h"'
    expect REFUSED bench/x.c '"../core/private.h"'
    expect REFUSED bench/x.c '<cmocka.h>'

    printf '  #  include <hiredis/read.h>\n' >core/x.c
    ! check_tree >found || { echo "self-check: a spaced include went unseen" && exit 1; }
)

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
self_check
cd "${CAIRN_SOURCE_DIR:-$(dirname "$0")/../..}"
check_tree
echo "$seen includes"
((seen > 0))
