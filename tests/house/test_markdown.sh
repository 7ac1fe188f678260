#!/usr/bin/env bash
# Code shown in a markdown file is code that is compiled and run. A fence names where it is from:
#
#     ```c file=tests/examples/foo.c               the whole file
#     ```c file=tests/examples/foo.c region=open   what is between /* [open] */ and /* [open] end */
#     ```c file=tests/examples/foo.c lines=3-9     these lines
#
# and must show exactly that, a region or lines without the indentation they have in common. A fence
# without file= is not looked at.
set -euo pipefail

without_common_indentation() {
    awk '
        { text[NR] = $0 }
        /[^ ]/ { match($0, /^ */); if (!seen++ || RLENGTH < least) least = RLENGTH }
        END { for (i = 1; i <= NR; i++) print substr(text[i], least + 1) }'
}

# region FILE NAME: fails unless the region begins once and ends once.
region() {
    awk -v begin="/* [$2] */" -v end="/* [$2] end */" '
        { line = $0; gsub(/^[ \t]+|[ \t]+$/, "", line) }
        line == end { ends++; inside = 0 }
        inside { print }
        line == begin { begins++; inside = 1 }
        END { exit !(begins == 1 && ends == 1 && !inside) }' "$1"
}

# excerpt FILE [region=NAME | lines=A-B]
excerpt() {
    local range=${2#lines=}
    case $2 in
        '') cat "$1" ;;
        region=*) region "$1" "${2#region=}" | without_common_indentation ;;
        lines=*) sed -n "${range%-*},${range#*-}p" "$1" | without_common_indentation ;;
    esac
}

complain() {
    printf '%s\n' "$*"
    failed=1
}

# check_block WHERE FENCE: the block's text is in $scratch/shown.
check_block() {
    local where=$1 word words file='' part=''
    read -ra words <<<"$2"
    for word in "${words[@]}"; do
        case $word in
            file=*) file=${word#file=} ;;
            region=* | lines=*) part=$word ;;
            *=*) complain "$where: '$word' means nothing here" ;;
        esac
    done
    if [[ ! -f $file ]]; then
        complain "$where: there is no file $file"
    elif ! excerpt "$file" "$part" >"$scratch/wanted"; then
        complain "$where: $file has no one $part"
    elif ! diff -u --label "$file $part" "$scratch/wanted" --label "$where" "$scratch/shown"; then
        complain "$where: the block is not what $file says"
    fi
    checked=$((checked + 1))
}

# check_markdown FILE
check_markdown() {
    local line number=0 fence='' opened=0
    while IFS= read -r line || [[ -n $line ]]; do
        number=$((number + 1))
        if [[ -z $fence && $line == '```'* ]]; then
            fence=$line opened=$number
            : >"$scratch/shown"
        elif [[ -n $fence && $line == '```' ]]; then
            [[ $fence != *' file='* ]] || check_block "$1:$opened" "$fence"
            fence=''
        elif [[ -n $fence ]]; then
            printf '%s\n' "$line" >>"$scratch/shown"
        elif [[ $line =~ ^[[:space:]\>]+\`\`\`.*file= ]]; then
            complain "$1:$number: a fence with file= begins in the first column"
        fi
    done <"$1"
    [[ -z $fence ]] || complain "$1:$opened: the fence is not closed"
}

# Checks every markdown file of the current folder's tree; fails if a block is not what it should be.
check_tree() {
    local markdown
    failed=0 checked=0
    while IFS= read -r markdown; do
        check_markdown "${markdown#./}"
    done < <(find . \( -path ./build -o -path ./.git \) -prune -o -name '*.md' -print | sort)
    ((failed == 0))
}

# ---------------------------------------------------------------- the rule can refuse

# expect ACCEPTED|REFUSED FENCE TEXT
expect() {
    local verdict=REFUSED
    printf '# Title\n\n%s\n%s\n```\n' "$2" "$3" >README.md
    ! check_tree >"$scratch/complaints" || verdict=ACCEPTED
    if [[ $verdict != "$1" ]]; then
        printf 'self-check: "%s" with "%s" was %s\n' "$2" "$3" "$verdict"
        exit 1
    fi
}

self_check() (
    mkdir "$scratch/tree"
    cd "$scratch/tree"
    printf '%s\n' 'int f(void)' '{' '    /* [body] */' '    if (a)' '        b();' \
        '    /* [body] end */' '    /* [open] */' '}' >foo.c
    expect ACCEPTED '```c file=foo.c' "$(<foo.c)"
    expect ACCEPTED '```c file=foo.c region=body' $'if (a)\n    b();'
    expect ACCEPTED '```c file=foo.c lines=1-2' $'int f(void)\n{'
    expect ACCEPTED '```c' 'anything'
    expect REFUSED '```c file=foo.c' 'int f(void)'
    expect REFUSED '```c file=foo.c region=body' $'if (a)\n  b();'
    expect REFUSED '```c file=foo.c region=body' $'    if (a)\n        b();'
    expect REFUSED '```c file=foo.c region=open' '}'
    expect REFUSED '```c file=foo.c region=missing' ''
    expect REFUSED '```c file=foo.c lines=1-2' 'int f(void)'
    expect REFUSED '```c file=missing.c' ''
    expect REFUSED '```c file=foo.c regoin=body' "$(<foo.c)"
    expect REFUSED ' ```c file=foo.c' "$(<foo.c)"
)

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
self_check
cd "${CAIRN_SOURCE_DIR:-$(dirname "$0")/../..}"
check_tree
echo "$checked blocks shown as in their files"
