package main

import (
	"fmt"

	"github.com/anishathalye/porcupine"
)

const anyVersion int32 = -1

// request is what a client asks of a register.
type request struct {
	kind    string // create, set, delete, read
	value   string // create, set
	version int32  // set, delete: carried out only if the register has this one
}

// reply is what the client was told. err is ZooKeeper's name of the error, empty for none.
type reply struct {
	isUnknown bool
	err       string
	value     string // read
	version   int32  // read, set
}

// state of a register: a node that may not be there.
type state struct {
	exists  bool
	value   string
	version int32
}

// apply is what ZooKeeper's documentation says of a node without children.
func (s state) apply(r request) (state, reply) {
	if r.kind == "create" {
		if s.exists {
			return s, reply{err: "NODEEXISTS", version: anyVersion}
		}
		return state{exists: true, value: r.value}, reply{version: anyVersion}
	}
	if !s.exists {
		return s, reply{err: "NONODE", version: anyVersion}
	}
	if r.kind == "read" {
		return s, reply{value: s.value, version: s.version}
	}
	if r.version != anyVersion && r.version != s.version {
		return s, reply{err: "BADVERSION", version: anyVersion}
	}
	if r.kind == "delete" {
		return state{}, reply{version: anyVersion}
	}
	s.value = r.value
	s.version++
	return s, reply{version: s.version}
}

// register is one node, absent at first. A request whose fate is unknown returns at the end of time, so that it may take effect at any
// moment after its call, or after everything else, which is the same as never.
var register = porcupine.Model{
	Init: func() interface{} { return state{} },
	Step: func(before, input, output interface{}) (bool, interface{}) {
		after, expected := before.(state).apply(input.(request))
		told := output.(reply)
		return told.isUnknown || told == expected, after
	},
	Equal: func(a, b interface{}) bool { return a == b },
	DescribeOperation: func(input, output interface{}) string {
		r, told := input.(request), output.(reply)
		text := fmt.Sprintf("%s %.12q", r.kind, r.value)
		if r.version != anyVersion {
			text += fmt.Sprintf(" if version %d", r.version)
		}
		switch {
		case told.isUnknown:
			return text + " -> ?"
		case told.err != "":
			return text + " -> " + told.err
		}
		return text + fmt.Sprintf(" -> %.12q version %d", told.value, told.version)
	},
	DescribeState: func(s interface{}) string { return fmt.Sprintf("%+v", s) },
}
