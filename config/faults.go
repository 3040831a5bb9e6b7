package config

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// Fault is one thing that is wrong. Line and Column start at 1; they are 0 where there is no place in a file.
type Fault struct {
	File    string // or "environment"
	Line    int
	Column  int
	Path    string // "routing.breaker.failures", "projects[0].keys[1]"; or the environment variable
	Message string // what is wrong and what to do
	Excerpt string // of the routing policy: the line with a caret below it; never of a file that holds secrets
}

// String is the fault on one line, file:line:column: path: message, and its excerpt below.
func (f Fault) String() string {
	var b strings.Builder
	b.WriteString(f.File)
	if f.Line > 0 {
		b.WriteString(":" + strconv.Itoa(f.Line) + ":" + strconv.Itoa(f.Column))
	}
	b.WriteString(": ")
	if f.Path != "" {
		b.WriteString(f.Path + ": ")
	}
	b.WriteString(f.Message)
	if f.Excerpt != "" {
		b.WriteString("\n" + f.Excerpt)
	}
	return b.String()
}

// Faults are all that is wrong, in the order of the file; those of the files that it names come last.
type Faults struct{ List []Fault }

// Error lists the faults, one per line.
func (f *Faults) Error() string {
	lines := make([]string, len(f.List))
	for i, fault := range f.List {
		lines[i] = fault.String()
	}
	return strings.Join(lines, "\n")
}

// maxFaults bounds what is reported: beyond it, the file is not the one that was meant.
const maxFaults = 100

// place is where a value comes from.
type place struct {
	line, column int
	variable     string // the environment variable that it comes from instead
}

// ledger collects faults and remembers where values stand.
type ledger struct {
	file   string
	places map[string]place  // by path
	hidden map[string]string // paths that end in a key of the operator's own choice, and what is shown instead
	broken map[string]bool   // paths whose value could not be decoded: nothing more is said of them
	faults []Fault
	policy []Fault // of the routing policy, in the order of its file
	iins   []Fault // of the table of issuers, likewise
}

func newLedger(file string) *ledger {
	return &ledger{file: file, places: map[string]place{"": {line: 1, column: 1}}, hidden: map[string]string{}, broken: map[string]bool{}}
}

// add reports a fault of the value at path. A path that is not in the file is reported at the nearest one around it that
// is.
func (l *ledger) add(path, message string) {
	if l.isBroken(path) {
		return
	}
	l.addAt(l.placeOf(path), path, message)
}

// breaks is add for a value that could not be decoded.
func (l *ledger) breaks(path, message string) {
	l.add(path, message)
	l.broken[path] = true
}

func (l *ledger) addAt(at place, path, message string) {
	f := Fault{File: l.file, Line: at.line, Column: at.column, Path: l.shown(path), Message: message}
	if at.variable != "" {
		f = Fault{File: "environment", Path: at.variable, Message: message}
	}
	l.faults = append(l.faults, f)
}

// shown is the path without keys of the operator's own choice: one of them may be a secret that was taken for a key. The
// place tells them apart.
func (l *ledger) shown(path string) string {
	for p := path; p != ""; p = parentOf(p) {
		if instead, ok := l.hidden[p]; ok {
			return instead
		}
	}
	return path
}

func (l *ledger) placeOf(path string) place {
	for {
		if at, ok := l.places[path]; ok {
			return at
		}
		path = parentOf(path)
	}
}

func (l *ledger) isBroken(path string) bool {
	for ; path != ""; path = parentOf(path) {
		if l.broken[path] {
			return true
		}
	}
	return l.broken[""]
}

// has says that the file has a value at path.
func (l *ledger) has(path string) bool {
	_, ok := l.places[path]
	return ok
}

func parentOf(path string) string {
	if i := strings.LastIndexAny(path, ".["); i >= 0 {
		return path[:i]
	}
	return ""
}

// err returns the faults as an error, or nil when there are none.
func (l *ledger) err() error {
	if len(l.faults)+len(l.policy)+len(l.iins) == 0 {
		return nil
	}
	slices.SortStableFunc(l.faults, func(a, b Fault) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	if len(l.faults) > maxFaults {
		l.faults = append(l.faults[:maxFaults:maxFaults], Fault{File: l.file, Message: "and more: mend these first"})
	}
	return &Faults{List: slices.Concat(l.faults, l.policy, l.iins)}
}
