package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"math"

	"github.com/anishathalye/porcupine"
)

// line is one operation as ensemble_history writes it: see to_json_lines in tests/sim/registers.cc.
type line struct {
	Client       string `json:"client"`
	Register     string `json:"register"`
	Kind         string `json:"kind"`
	Value        string `json:"value"`
	Version      *int32 `json:"version"`
	CalledNs     int64  `json:"called_ns"`
	ReturnedNs   *int64 `json:"returned_ns"` // absent: nobody knows what became of it
	Error        string `json:"error"`
	Found        string `json:"found"`
	FoundVersion *int32 `json:"found_version"`
}

// history holds the operations of each register, in the order of the file.
type history struct {
	names      []string
	operations map[string][]porcupine.Operation
	total      int
	unknown    int
}

func readHistory(in io.Reader) (*history, error) {
	h := &history{operations: map[string][]porcupine.Operation{}}
	clients := map[string]int{}
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 1<<20)
	for number := 1; lines.Scan(); number++ {
		var l line
		if err := json.Unmarshal(lines.Bytes(), &l); err != nil {
			return nil, fmt.Errorf("line %d: %w", number, err)
		}
		operation, err := l.operation()
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", number, err)
		}
		client, known := clients[l.Client]
		if !known {
			client = len(clients)
			clients[l.Client] = client
		}
		operation.ClientId = client
		if _, known := h.operations[l.Register]; !known {
			h.names = append(h.names, l.Register)
		}
		h.operations[l.Register] = append(h.operations[l.Register], operation)
		h.total++
		if l.ReturnedNs == nil {
			h.unknown++
		}
	}
	return h, lines.Err()
}

func (l *line) operation() (porcupine.Operation, error) {
	input := request{kind: l.Kind, value: l.Value, version: anyVersion}
	if l.Version != nil {
		input.version = *l.Version
	}
	switch l.Kind {
	case "create", "set", "delete", "read":
	default:
		return porcupine.Operation{}, fmt.Errorf("kind %q is none of create, set, delete, read", l.Kind)
	}
	operation := porcupine.Operation{Input: input, Call: l.CalledNs, Return: math.MaxInt64, Output: reply{isUnknown: true}}
	if l.ReturnedNs == nil {
		return operation, nil
	}
	if *l.ReturnedNs < l.CalledNs {
		return operation, fmt.Errorf("returned at %d, called at %d", *l.ReturnedNs, l.CalledNs)
	}
	output := reply{err: l.Error, value: l.Found, version: anyVersion}
	if l.FoundVersion != nil {
		output.version = *l.FoundVersion
	}
	operation.Return, operation.Output = *l.ReturnedNs, output
	return operation, nil
}
