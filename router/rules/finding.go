package rules

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// Severity says how bad a finding is. A policy with an error must not go live.
type Severity string

// The severities.
const (
	SeverityError   Severity = "error"
	SeverityWarning Severity = "warning" // most likely not what was meant
	SeverityNote    Severity = "note"    // worth knowing
)

// Code names a kind of finding. Codes are stable: tools may be told to expect or to mute one.
type Code string

// The codes of faults: what Decode and Compile refuse.
const (
	CodeSyntax         Code = "syntax"          // not YAML, or more of YAML than is taken here
	CodeTooLarge       Code = "too-large"       // the file, its depth, its number of rules, or a rule's number of cases
	CodeType           Code = "type"            // another kind of value is wanted
	CodeUnknownKey     Code = "unknown-key"     // not a key of this place
	CodeDuplicate      Code = "duplicate"       // stands here twice
	CodeMissing        Code = "missing"         // has to be there
	CodeEmpty          Code = "empty"           // a list that names nothing
	CodeValue          Code = "value"           // not one of the possible values
	CodeAmount         Code = "amount"          // not a sum with its currency
	CodeRange          Code = "range"           // no amount is within it
	CodeSplitSum       Code = "split-sum"       // the parts of a split are not 100 together
	CodeUnknownGateway Code = "unknown-gateway" // there is no such gateway configuration
	CodeUnknownLabel   Code = "unknown-label"   // no gateway configuration has the label
	CodeUnsafeRetry    Code = "unsafe-retry"    // could charge twice, or break a scheme's rules
	CodeSettlement     Code = "settlement"      // a currency conversion from an unknown currency
	CodeTooManyFaults  Code = "too-many"        // the list was cut
	CodeUnreadable     Code = "unreadable"      // the parser gave up
)

// The codes of findings: what Analyse reports.
const (
	CodeNeverMatches   Code = "never-matches"   // the rule contradicts itself
	CodeImpossible     Code = "impossible"      // no payment has these facts
	CodeUnreachable    Code = "unreachable"     // earlier rules take everything
	CodeShadowed       Code = "shadowed"        // likewise, unless they leave no candidate
	CodeOverlap        Code = "overlap"         // two rules take some payments and send them elsewhere
	CodeDeadTarget     Code = "dead-target"     // a gateway configuration can take none of a rule's payments
	CodeDeadPath       Code = "dead-path"       // no gateway configuration of a rule can
	CodeNoRoute        Code = "no-route"        // a method and currency that nothing takes
	CodeDefaultUnused  Code = "default-unused"  // every payment is taken before
	CodeCascadeLong    Code = "cascade-long"    // a route names more than a payment may try
	CodeSplitZero      Code = "split-zero"      // a part of a split gets nothing
	CodeSwitchExpired  Code = "switch-expired"  // a kill switch whose time is over
	CodeFeesMissing    Code = "fees-missing"    // compared by fee, and has none
	CodeFeeCurrency    Code = "fee-currency"    // a fixed fee cannot be converted
	CodeRatesOld       Code = "rates-old"       // rates of long ago
	CodeFeeUnreachable Code = "fee-unreachable" // earlier rows take everything
	CodeExploresMIT    Code = "explores-mit"    // tries something else where nobody is there to try again
	CodeCommitmentIdle Code = "commitment-idle" // a volume was promised to what no route names
	CodeCommitmentDead Code = "commitment-dead" // a promised volume that moves no payment
	CodeCommitmentRate Code = "commitment-rate" // payments that do not count towards a promised volume
	CodeUndecided      Code = "undecided"       // too complex to tell
)

const (
	maxFaults      = 100 // beyond it, the file is not the one that was meant
	maxSourceWidth = 160 // characters of a source line that are shown
)

// Finding is one thing that an operator needs to know of a policy, with its place. Line and Column start at 1.
type Finding struct {
	Severity Severity `json:"severity"`
	Code     Code     `json:"code"`
	File     string   `json:"file"`
	Line     int      `json:"line"`
	Column   int      `json:"column"` // in characters
	Rule     string   `json:"rule,omitempty"`
	Message  string   `json:"message"`
	Source   string   `json:"source,omitempty"` // the line of the file
}

// String is the finding as compilers write theirs: the place, the sentence, the line of the file and a caret below it.
func (f Finding) String() string {
	var b strings.Builder
	b.WriteString(f.File + ":" + strconv.Itoa(f.Line) + ":" + strconv.Itoa(f.Column) + ": " + string(f.Severity) + ": ")
	b.WriteString(f.Message + " [" + string(f.Code) + "]")
	if f.Source == "" {
		return b.String()
	}
	source, column := clip([]rune(strings.ReplaceAll(f.Source, "\t", " ")), f.Column)
	margin := strings.Repeat(" ", len(strconv.Itoa(f.Line)))
	b.WriteString("\n  " + strconv.Itoa(f.Line) + " | " + source)
	b.WriteString("\n  " + margin + " | " + strings.Repeat(" ", max(column-1, 0)) + "^")
	return b.String()
}

// clip cuts a long line so that the column stays in sight, and returns the column within what is left.
func clip(line []rune, column int) (string, int) {
	if len(line) <= maxSourceWidth {
		return string(line), column
	}
	from := min(max(column-maxSourceWidth/2, 0), len(line)-maxSourceWidth)
	return string(line[from : from+maxSourceWidth]), column - from
}

// Faults are all that is wrong with a file, in its order. They are errors all.
type Faults []Finding

// Error lists the faults, each with its line of the file and a caret.
func (f Faults) Error() string {
	texts := make([]string, len(f))
	for i := range f {
		texts[i] = f[i].String()
	}
	return strings.Join(texts, "\n")
}

func sortFindings(list []Finding) {
	slices.SortStableFunc(list, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column), cmp.Compare(a.Code, b.Code))
	})
}
