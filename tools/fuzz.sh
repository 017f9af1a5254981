#!/bin/sh
# Runs every fuzz target: tools/fuzz.sh TIME JOBS. JOBS targets run at once, with
# one worker each, so that a machine of so many cores is busy and no more.
#
# A run that ends in "context deadline exceeded" has found nothing: before Go 1.27
# a duration can end so (go.dev/issue/75804). A finding leaves its input in
# testdata/fuzz or names it in its output; only a run that failed in no other way
# and wrote no input is let pass, and counted.
set -eu
time=$1 jobs=$2
: "${GO:=go}"
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT INT TERM

# Minimising what is merely interesting would by default eat 60 s, the whole of a
# short run.
one() {
	target=$1 package=$2 log=$dir/$target.$(echo "$package" | tr / _)
	before=$(find "$package/testdata/fuzz/$target" -type f 2>/dev/null | sort)
	if $GO test -run '^$' -fuzz "^$target\$" -fuzztime "$time" -fuzzminimizetime 1s -parallel 1 "$package" </dev/null >"$log" 2>&1; then
		echo "fuzz $target in $package: $(grep -o 'execs: [0-9]*' "$log" | tail -1)"
		return
	fi
	after=$(find "$package/testdata/fuzz/$target" -type f 2>/dev/null | sort)
	if [ "$before" = "$after" ] && grep -q '^ *context deadline exceeded$' "$log" &&
		! grep -qE 'Failing input|panic:|build failed|hung or terminated|_test\.go:[0-9]+:' "$log"; then
		echo "fuzz $target in $package: out of time, nothing found (go.dev/issue/75804)"
		return
	fi
	cat "$log"
	echo "fuzz $target in $package: FAILED"
	: >"$dir/failed"
}

# Each job takes every so-many-th target. All binaries are built one after the
# other within the jobs; the build cache keeps what they share.
grep -rnoE '^func Fuzz[A-Za-z0-9_]*' --include='*_test.go' . | sed 's/:[0-9]*:func / /' | sort >"$dir/targets"
job=0
while [ "$job" -lt "$jobs" ]; do
	awk -v n="$jobs" -v j="$job" 'NR % n == j { print $2, $1 }' "$dir/targets" | while read -r target file; do
		one "$target" "./$(dirname "${file#./}")"
	done &
	job=$((job + 1))
done
wait
[ ! -e "$dir/failed" ]
