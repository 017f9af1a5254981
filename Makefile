# What there is to do here; `make check` before every commit, `make test` is
# everything that must pass. Needs Go and a C compiler (SQLite is C).

GO          ?= go
STATICCHECK := $(GO) tool -modfile=tools/go.mod staticcheck
TIME        ?= 10s
export CGO_ENABLED = 1

.PHONY: build run check test test-postgres lint bench fuzz soak clean

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
	bin/custody --lang en bench night --orders 100000 --members 1000

# Every fuzz target in turn, each for TIME. Minimising what is merely interesting
# would by default eat 60 s, the whole of a short run. TIME may be a count (4000x):
# before Go 1.27 a duration can end in "context deadline exceeded" without a
# failing input (go.dev/issue/75804), which is no finding.
fuzz:
	@grep -rnoE '^func Fuzz[A-Za-z0-9_]*' --include='*_test.go' . | \
	while IFS=: read -r file line target; do \
		target=$${target#func }; dir=$$(dirname "$$file"); \
		echo "fuzz $$target in $$dir for $(TIME)"; \
		$(GO) test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(TIME) -fuzzminimizetime 1s "$$dir" </dev/null || exit 1; \
	done

# The kill test, which plays rounds for as long as SOAK says.
soak:
	SOAK=$(TIME) $(GO) test -count 1 -timeout 0 -v -run Kill ./...

clean:
	rm -rf bin demo
