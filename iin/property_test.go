package iin_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"switchyard/iin"
	"switchyard/payments"
)

// plainRow is a row as a person reads it.
type plainRow struct {
	first, last string
	facts       payments.IssuerFacts
}

// ends are the first and the last number of eight digits of a row.
func (r plainRow) ends() (first, last int) {
	first, _ = strconv.Atoi((r.first + "00000000")[:8])
	last, _ = strconv.Atoi((r.last + "99999999")[:8])
	return first, last
}

// contradict says that two rows overlap, tell something else, and neither lies within the other, or both are of the same numbers.
func contradict(a, b plainRow) bool {
	aFirst, aLast := a.ends()
	bFirst, bLast := b.ends()
	apart := aLast < bFirst || bLast < aFirst
	same := aFirst == bFirst && aLast == bLast
	within := aFirst <= bFirst && bLast <= aLast || bFirst <= aFirst && aLast <= bLast
	return !apart && a.facts != b.facts && (same || !within)
}

// naive looks at every row for the narrowest one around a number of eight digits.
func naive(rows []plainRow, number int) (facts payments.IssuerFacts) {
	narrowest := -1
	for _, r := range rows {
		if first, last := r.ends(); first <= number && number <= last && (narrowest < 0 || last-first < narrowest) {
			narrowest, facts = last-first, r.facts
		}
	}
	return facts
}

// naiveCommon is what all numbers of eight digits with a beginning have in common.
func naiveCommon(rows []plainRow, digits string) payments.IssuerFacts {
	first, last := plainRow{first: digits, last: digits}.ends()
	facts := naive(rows, first)
	for number := first + 1; number <= last; number++ {
		other := naive(rows, number)
		if other.Scheme != facts.Scheme {
			facts.Scheme = ""
		}
		if other.Country != facts.Country {
			facts.Country = ""
		}
		if other.Funding != facts.Funding {
			facts.Funding = ""
		}
		if other.Bank != facts.Bank {
			facts.Bank = ""
		}
		if other.Product != facts.Product {
			facts.Product = ""
		}
	}
	return facts
}

// drawRows draws rows that lie close together, so that they overlap.
func drawRows(t *rapid.T) []plainRow {
	beginning := rapid.Custom(func(t *rapid.T) string {
		return rapid.SampledFrom([]string{"424299", "424300", "000000", "999999"}).Draw(t, "beginning")
	})
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) plainRow {
		digits := rapid.IntRange(0, 2).Draw(t, "digits")
		end := func(label string) string {
			return beginning.Draw(t, label) + fmt.Sprintf("%0*d", digits, rapid.IntRange(0, []int{0, 9, 99}[digits]).Draw(t, label+" more"))[:digits]
		}
		r := plainRow{first: end("first"), last: end("last"), facts: payments.IssuerFacts{
			Scheme:  rapid.SampledFrom([]payments.Scheme{"", "visa"}).Draw(t, "scheme"),
			Country: rapid.SampledFrom([]string{"GB", "US"}).Draw(t, "country"), Funding: rapid.SampledFrom([]string{"credit", "debit"}).Draw(t, "funding"),
			Bank: rapid.SampledFrom([]string{"", "Bank"}).Draw(t, "bank"),
		}}
		if r.first > r.last {
			r.first, r.last = r.last, r.first
		}
		return r
	}), 0, 8).Draw(t, "rows")
}

func write(rows []plainRow) string {
	var b strings.Builder
	b.WriteString("country,first,last,issuer,scheme,funding,product\n")
	for _, r := range rows {
		fmt.Fprintf(&b, "%s,%s,%s,%s,%s,%s,%s\n", r.facts.Country, r.first, r.last, r.facts.Bank, r.facts.Scheme, r.facts.Funding, r.facts.Product)
	}
	return b.String()
}

// TestAgainstNaive: a table is refused exactly when two of its rows contradict each other, and tells of every number what a walk
// over all rows tells.
func TestAgainstNaive(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		rows := drawRows(t)
		contrary := false
		for i := range rows {
			for j := range i {
				contrary = contrary || contradict(rows[i], rows[j])
			}
		}
		table, faults := iin.Read(strings.NewReader(write(rows)))
		if (len(faults) > 0) != contrary || (table == nil) != contrary {
			t.Fatalf("contradictions: %t, faults: %+v\n%s", contrary, faults, write(rows))
		}
		if contrary {
			return
		}
		for _, r := range rows {
			first, last := r.ends()
			for _, number := range []int{first - 1, first, first + 1, (first + last) / 2, last - 1, last, last + 1} {
				if number < 0 || number > 99_999_999 {
					continue
				}
				digits := fmt.Sprintf("%08d", number)
				if got, want := table.Lookup(digits), naive(rows, number); got != want {
					t.Fatalf("%s: %+v, not %+v\n%s", digits, got, want, write(rows))
				}
				for _, short := range []string{digits[:6], digits[:7]} {
					if got, want := table.Lookup(short), naiveCommon(rows, short); got != want {
						t.Fatalf("%s: %+v, not %+v\n%s", short, got, want, write(rows))
					}
				}
			}
		}
	})
}

// TestOrderDoesNotMatter: rows may stand in any order.
func TestOrderDoesNotMatter(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		rows := drawRows(t)
		one, faults := iin.Read(strings.NewReader(write(rows)))
		other, otherFaults := iin.Read(strings.NewReader(write(rapid.Permutation(rows).Draw(t, "other order"))))
		if (one == nil) != (other == nil) {
			t.Fatalf("%+v\n%+v", faults, otherFaults)
		}
		for _, r := range rows {
			if one != nil && (one.Lookup(r.first) != other.Lookup(r.first) || one.Lookup(r.last) != other.Lookup(r.last)) {
				t.Fatalf("%+v", r)
			}
		}
	})
}

// FuzzRead: whatever is read, faults are bounded, lie in the text and do not repeat it; a table answers, and what holds for a
// beginning holds for every number with it.
func FuzzRead(f *testing.F) {
	for _, seed := range []string{
		"", "iin,scheme,country,funding\n424242,visa,US,credit\n42424250,,GB,\n", "\ufefffirst,last,scheme,country,funding,issuer,product\n4242420,4242425,visa,US,credit,\"A, B\",x\n",
		"iin,scheme,country,funding\n424242,visa,US,credit\n424242,visa,US,debit\n", "iin,scheme,country,funding\n\"", "iin,first,iin\n1\n", "#\n\n\"\"\n", "iin,scheme,country,funding\r\n00000000,,,\r\n",
	} {
		f.Add(seed, "42424250")
	}
	f.Fuzz(func(t *testing.T, text, digits string) {
		table, faults := iin.Read(strings.NewReader(text))
		if (table == nil) != (len(faults) > 0) || len(faults) > 101 {
			t.Fatalf("%v, %d faults", table, len(faults))
		}
		lines := strings.Count(text, "\n") + 1
		for _, fault := range faults {
			if fault.Line < 1 || fault.Line > lines+1 || fault.Column < 1 || fault.Message == "" {
				t.Fatalf("%+v in %d lines", fault, lines)
			}
		}
		if table == nil {
			return
		}
		whole := table.Lookup(digits)
		if len(digits) >= 6 && len(digits) < 8 && whole.Country != "" {
			if under := table.Lookup(digits + "0"); under.Country != whole.Country {
				t.Fatalf("%q: %+v, and below %+v", digits, whole, under)
			}
		}
	})
}
