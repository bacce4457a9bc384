package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
)

// at makes a line of a history: called and returned in nanoseconds; returned 0: never.
func at(called, returned int, fields string) string {
	ended := ""
	if returned != 0 {
		ended = fmt.Sprintf(`,"returned_ns":%d`, returned)
	}
	return fmt.Sprintf(`{"client":"c%d","register":"/register-0-1","called_ns":%d%s,%s}`, called%3, called, ended, fields)
}

const (
	created  = `"kind":"create","value":"a","error":""`
	setB     = `"kind":"set","value":"b","version":-1,"error":"","found_version":1`
	setBUnk  = `"kind":"set","value":"b","version":-1`
	casC     = `"kind":"set","value":"c","version":0,"error":"","found_version":1`
	casD     = `"kind":"set","value":"d","version":0,"error":"","found_version":1`
	casEUnk  = `"kind":"set","value":"e","version":0`
	failed   = `"kind":"set","value":"x","version":7,"error":"BADVERSION"`
	deleted  = `"kind":"delete","version":-1,"error":""`
	sawA     = `"kind":"read","error":"","found":"a","found_version":0`
	sawB     = `"kind":"read","error":"","found":"b","found_version":1`
	sawB2    = `"kind":"read","error":"","found":"b","found_version":2`
	sawC     = `"kind":"read","error":"","found":"c","found_version":1`
	sawE     = `"kind":"read","error":"","found":"e","found_version":1`
	sawNone  = `"kind":"read","error":"NONODE"`
	existing = `"kind":"create","value":"z","error":"NODEEXISTS"`
)

func TestRegister(t *testing.T) {
	cases := []struct {
		name  string
		lines []string
		sound bool
	}{
		{"one after another", []string{at(1, 2, sawNone), at(3, 4, created), at(5, 6, sawA), at(7, 8, setB), at(9, 10, sawB)}, true},
		{"a stale read", []string{at(1, 2, created), at(3, 4, setB), at(5, 6, sawA)}, false},
		{"a read beside the write sees either", []string{at(1, 2, created), at(3, 9, setB), at(4, 5, sawA), at(6, 7, sawB)}, true},
		{"a read goes back", []string{at(1, 2, created), at(3, 9, setB), at(4, 5, sawB), at(6, 7, sawA)}, false},
		{"an acknowledged write is lost", []string{at(1, 2, created), at(3, 4, deleted), at(5, 6, sawA)}, false},
		{"two conditional writes of one version", []string{at(1, 2, created), at(3, 8, casC), at(4, 9, casD)}, false},
		{"a conditional write that failed", []string{at(1, 2, created), at(3, 4, failed), at(5, 6, sawA)}, true},
		{"a failed write that took effect", []string{at(1, 2, created), at(3, 4, `"kind":"set","value":"c","version":0,"error":"BADVERSION"`),
			at(5, 6, sawC)}, false},
		{"a version too many", []string{at(1, 2, created), at(3, 4, setB), at(5, 6, sawB2)}, false},
		{"an unknown write that happened late", []string{at(1, 2, created), at(3, 0, setBUnk), at(4, 5, sawA), at(6, 7, sawB)}, true},
		{"an unknown write that never happened", []string{at(1, 2, created), at(3, 0, setBUnk), at(4, 5, sawA)}, true},
		{"an unknown write that happened twice", []string{at(1, 2, created), at(3, 0, setBUnk), at(4, 5, sawB), at(6, 7, sawB2)}, false},
		{"an unknown write seen before its call", []string{at(1, 2, created), at(3, 4, sawE), at(5, 0, casEUnk)}, false},
		{"an unknown conditional write after its version went", []string{at(1, 2, created), at(3, 4, setB), at(5, 0, casEUnk), at(6, 7, sawE)},
			false},
		{"created twice", []string{at(1, 2, created), at(3, 4, existing), at(5, 6, deleted), at(7, 8, created)}, true},
		{"exists without a create", []string{at(1, 2, existing)}, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			h, err := readHistory(strings.NewReader(strings.Join(c.lines, "\n") + "\n"))
			if err != nil {
				t.Fatal(err)
			}
			if h.total != len(c.lines) || len(h.names) != 1 {
				t.Fatalf("read %d operations of %d registers", h.total, len(h.names))
			}
			want := porcupine.Illegal
			if c.sound {
				want = porcupine.Ok
			}
			if got, _ := porcupine.CheckOperationsVerbose(register, h.operations[h.names[0]], time.Minute); got != want {
				t.Errorf("%v, want %v", got, want)
			}
		})
	}
}

func TestLinesThatCannotBe(t *testing.T) {
	for _, text := range []string{`{`, `{"kind":"swap"}`, `{"kind":"read","called_ns":5,"returned_ns":4}`} {
		if _, err := readHistory(strings.NewReader(text)); err == nil {
			t.Errorf("%s was taken", text)
		}
	}
}
