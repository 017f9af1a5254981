#!/bin/sh
# Makes testdata/demo from scratch: three days of an invented head office, their
# files as they were delivered. Same program, same bytes.
#
#   sh testdata/demo/make.sh bin/custody
set -eu

custody=${1:?usage: make.sh BIN}
here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
home=$(mktemp -d)
trap 'rm -rf "$home"' EXIT

"$custody" simulate demo --out "$home"
rm -rf "$here/inbox"
mkdir "$here/inbox"
cp "$home/custody.yaml" "$home/members.csv" "$here/"
cp "$home"/inbox/* "$here/inbox/"

"$custody" init --home "$home" >/dev/null
for day in 2026-02-12 2026-02-13 2026-02-14; do
    answered=no
    while :; do
        status=0
        view=$("$custody" run --home "$home" --date "$day" --json 2>/dev/null) || status=$?
        [ "$status" -eq 0 ] && break
        batch=$(printf '%s\n' "$view" | sed -n 's/.*"approval \([^ "]*\) since.*/\1/p')
        if [ "$status" -eq 5 ] && [ -n "$batch" ]; then
            "$custody" approve "$batch" --home "$home" --as checker1 >/dev/null
        elif [ "$status" -eq 5 ] && [ "$answered" = no ]; then
            answered=yes
            "$custody" simulate answer --home "$home" --date "$day" | while read -r file; do
                cp "$home/$file" "$here/inbox/"
            done
        else
            printf '%s\n' "$view" >&2
            exit "$status"
        fi
    done
done
