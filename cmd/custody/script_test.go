package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"custody/testdata"
)

// The command line is tested as the user types it: testdata/script/*.txtar. The
// first word of a script's name is the sub-command, failing cases come first.
// -update writes what the commands print now into the scripts.
var update = flag.Bool("update", false, "rewrite expected output in testdata/script")

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"custody": main,
		"shape":   shape,
	})
}

func TestScript(t *testing.T) {
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	demo, err := filepath.Abs("../../testdata/demo")
	if err != nil {
		t.Fatal(err)
	}
	bankfiles, err := filepath.Abs("../../bankfiles")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:           "testdata/script",
		UpdateScripts: *update,
		Setup: func(env *testscript.Env) error {
			env.Setenv("LANG", "en_US.UTF-8")
			env.Setenv("OSUSER", me.Username)
			env.Setenv("DEMO", demo)
			env.Setenv("BANKFILES", bankfiles)
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits, "demo": demoHome, "replace": replace,
		},
	})
}

// exits CODE COMMAND... runs a command that must end in exactly this exit code.
func exits(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	code := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		var exit *exec.ExitError
		if !errors.As(err, &exit) {
			ts.Fatalf("%v", err)
		}
		code = exit.ExitCode()
	}
	if code != want {
		ts.Fatalf("exit code %d, want %d", code, want)
	}
}

// demo DIR [PATTERN...] makes a home of the demonstration; where patterns are
// given, only the files of the inbox that match one of them have come.
func demoHome(ts *testscript.TestScript, _ bool, args []string) {
	dir, patterns := ts.MkAbs(args[0]), args[1:]
	ts.Check(fs.WalkDir(testdata.Demo(), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return errors.Join(err, os.MkdirAll(filepath.Join(dir, name), 0o755))
		}
		matches := func(pattern string) bool {
			ok, err := filepath.Match(pattern, filepath.Base(name))
			ts.Check(err)
			return ok
		}
		if len(patterns) > 0 && strings.HasPrefix(name, "inbox/") && !slices.ContainsFunc(patterns, matches) {
			return nil
		}
		raw, err := fs.ReadFile(testdata.Demo(), name)
		return errors.Join(err, os.WriteFile(filepath.Join(dir, name), raw, 0o644))
	}))
}

// replace FILE OLD NEW changes the first place where OLD stands; it must be there.
func replace(ts *testscript.TestScript, _ bool, args []string) {
	path := ts.MkAbs(args[0])
	raw, err := os.ReadFile(path)
	ts.Check(err)
	if !strings.Contains(string(raw), args[1]) {
		ts.Fatalf("%s does not contain %s", args[0], args[1])
	}
	ts.Check(os.WriteFile(path, []byte(strings.Replace(string(raw), args[1], args[2], 1)), 0o644))
}

// shape reads JSON objects, one a line, and prints their keys with the kinds of
// their values, each once: "accounts[].balance_fen number". Whole numbers are
// told from others, because money is never a fraction.
func shape() {
	seen := map[string]bool{}
	lines := 0
	for dec := json.NewDecoder(os.Stdin); ; lines++ {
		dec.UseNumber()
		var v any
		err := dec.Decode(&v)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		describe(seen, "", v)
	}
	fmt.Printf("%d object(s)\n", lines)
	keys := make([]string, 0, len(seen))
	for key := range seen {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	fmt.Println(strings.Join(keys, "\n"))
}

func describe(seen map[string]bool, at string, v any) {
	switch v := v.(type) {
	case map[string]any:
		for key, value := range v {
			describe(seen, strings.TrimPrefix(at+"."+key, "."), value)
		}
	case []any:
		if len(v) == 0 {
			seen[at+" []"] = true
		}
		for _, value := range v {
			describe(seen, at+"[]", value)
		}
	case json.Number:
		kind := "fraction"
		if _, err := v.Int64(); err == nil {
			kind = "whole"
		}
		seen[at+" "+kind] = true
	case nil:
		seen[at+" null"] = true
	default:
		seen[fmt.Sprintf("%s %T", at, v)] = true
	}
}
