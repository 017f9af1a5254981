#!/bin/sh
# Plays the demonstration: three days around Spring Festival, from the files of
# testdata/demo to payout files, statements and workbooks. A second run finds
# every day closed and changes nothing.
#
#   sh testdata/demo/run.sh bin/custody demo [--lang en]
set -eu

custody=${1:?usage: run.sh BIN DIR [FLAG...]}
demo=${2:?usage: run.sh BIN DIR [FLAG...]}
shift 2
here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
days='2026-02-12 2026-02-13 2026-02-14'
log=$(mktemp)
trap 'rm -f "$log"' EXIT

# The folder is made beside and renamed, so that a run that was stopped half-way
# is not taken for a finished one.
if [ ! -e "$demo" ]; then
    rm -rf "$demo.new"
    mkdir -p "$demo.new"
    cp -r "$here/custody.yaml" "$here/members.csv" "$here/inbox" "$demo.new/"
    mv "$demo.new" "$demo"
fi
"$custody" init --home "$demo" "$@"

# play DAY runs a day until it is closed; where it waits for a checker, the
# checker approves. Anything else that it waits for, and any error, ends the demo.
play() {
    play_day=$1
    shift
    while :; do
        status=0
        "$custody" run --home "$demo" --date "$play_day" "$@" >"$log" 2>&1 || status=$?
        if [ "$status" -eq 0 ]; then
            cat "$log"
            return
        fi
        batches=$("$custody" day "$play_day" --home "$demo" --json | grep -o '"approval [^ "]*' | sed 's/"approval //') || batches=
        if [ "$status" -ne 5 ] || [ -z "$batches" ]; then
            cat "$log"
            exit "$status"
        fi
        grep '^custody: ' "$log"
        # shellcheck disable=SC2086 # several batches are several arguments
        "$custody" approve $batches --home "$demo" --as checker1 "$@"
    done
}

# paper FILE COMMAND... writes a document unless it is there.
paper() {
    file=$1
    shift
    [ -e "$file" ] || "$custody" "$@" --home "$demo" --out "$file" >/dev/null
}

for day in $days; do
    play "$day" "$@"
done
for day in $days; do
    paper "$demo/reports/reconciliation-$day.xlsx" reconcile --date "$day" "$@"
done
for member in F001 P001; do
    paper "$demo/reports/statement-$member.xlsx" statement "$member" --from 2026-02-12 --to 2026-02-14 "$@"
done

echo
"$custody" balance --home "$demo" "$@"
echo
ls "$demo"/outbox/* "$demo"/reports/*.xlsx "$demo"/seals/*
