# What there is to do here; `make check` before every commit, `make test` is
# everything that must pass. Needs Go and a C compiler (SQLite is C).

GO          ?= go
STATICCHECK := $(GO) tool -modfile=tools/go.mod staticcheck
TIME        ?= 10s
export CGO_ENABLED = 1

.PHONY: build run check test test-postgres lint bench bench-long fuzz soak clean

build:
	$(GO) build -trimpath -o bin/custody ./cmd/custody

# The demo: three days around Spring Festival, from files to workbooks.
run: build
	@sh testdata/demo/run.sh bin/custody demo --lang en

lint:
	@unformatted=$$(gofmt -l .) || exit 1; \
	if [ -n "$$unformatted" ]; then echo "gofmt would change:"; echo "$$unformatted"; exit 1; fi
	$(GO) vet ./...
	$(STATICCHECK) ./...

# At most 3 minutes.
check: lint
	$(GO) test -short ./...

# At most 20 minutes on 2 cores. The race detector runs where goroutines meet
# and a run takes seconds.
RACE = ./internal/atomicfile ./internal/signing ./internal/lang

test:
	$(GO) vet ./...
	$(GO) test -timeout 19m ./...
	$(GO) test -short -race $(RACE)
	$(MAKE) test-postgres

# The suites that keep books once more, on PostgreSQL: on a throw-away cluster
# of the installed server, or on the server that DSN names. There they make a
# schema custody_test_... for each test and drop it after; where that server has
# Citus the tables are distributed first. The user must be allowed to create
# schemas: make test-postgres DSN=postgres://user:password@host:5432/database
ENGINES = ./internal/store ./internal/audit ./subaccounts ./clearing/... ./statements

test-postgres:
	CUSTODY_TEST_ENGINE=postgres CUSTODY_TEST_DSN='$(DSN)' $(GO) test -count 1 -timeout 19m $(ENGINES)

# Each part beside its floor or peer, as a ratio; then a whole night.
bench: build
	@{ $(GO) test -run '^$$' -bench 'Read$$|Trades$$|Reading$$' -benchtime 5x ./bankfiles/wechat ./bankfiles/camt ./clearing/reconcile ./clearing/orders && \
	$(GO) test -run '^$$' -bench 'Post$$|BulkEntries$$' -benchtime 300000x ./subaccounts ./internal/store; } | awk '/^(Benchmark|FAIL|panic)/; \
		$$1 == "FAIL" { bad = 1 } { name = $$1; sub(/-[0-9]+$$/, "", name); ns[name] = $$3; if ($$6 == "entries/s") entry = 1e9 / $$5; if ($$6 == "ns/row") row[name] = $$5 } \
		END { if (bad) exit 1; \
		printf "ratio: WeChat bill / encoding/csv          %.2f\n", ns["BenchmarkRead/wechat"] / ns["BenchmarkRead/csv"]; \
		printf "ratio: camt statement / encoding/xml       %.2f\n", ns["BenchmarkRead/camt.Read"] / ns["BenchmarkRead/encoding-xml"]; \
		printf "ratio: orders read / bare scan in SQLite   %.2f\n", row["BenchmarkReading/orders"] / row["BenchmarkReading/scan"]; \
		printf "ratio: entry posted / entry in bulk        %.2f\n", entry / ns["BenchmarkBulkEntries"] }'
	cd bankfiles/speed && BENCH=1 $(GO) test -count 1 -run TestSpeed
	bin/custody --lang en bench night --orders 100000 --members 1000
	bin/custody --lang en bench ledger --entries 3000000
	bin/custody --lang en bench verify --entries 2000000

# What takes hours and tens of GB: growth, history, the eighth night of its size.
# TMPDIR says on which disk; docs/scale.md says how long each line takes.
bench-long: build
	bin/custody --lang en bench night --growth --orders 3000000
	bin/custody --lang en bench night --orders 100000 --members 1000 --history 0
	bin/custody --lang en bench night --orders 100000 --members 1000 --history 30
	bin/custody --lang en bench night --orders 100000 --members 1000 --history 365
	bin/custody --lang en bench night --orders 1000000 --members 10000 --nights 8

# Every fuzz target for TIME, JOBS of them at once with one worker each.
# tools/fuzz.sh tells a failing input from a run that merely ran out of time.
JOBS ?= 2

fuzz:
	@GO='$(GO)' sh tools/fuzz.sh $(TIME) $(JOBS)

# The kill test, which plays rounds for as long as SOAK says.
soak:
	SOAK=$(TIME) $(GO) test -count 1 -timeout 0 -v -run Kill ./...

clean:
	rm -rf bin demo
