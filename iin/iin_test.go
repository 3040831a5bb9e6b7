package iin_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"switchyard/iin"
	"switchyard/payments"
)

func read(t testing.TB, text string) *iin.Table {
	t.Helper()
	table, faults := iin.Read(strings.NewReader(text))
	if len(faults) > 0 {
		t.Fatalf("%+v", faults)
	}
	return table
}

func TestLookup(t *testing.T) {
	t.Parallel()
	table := read(t, "\ufeff# bought in spring\nfirst,last,funding,country,scheme,issuer,product\n"+
		"400000,499999,,US,visa,,\n"+
		"411111,411111,credit,GB,visa,\"Bank of Kent, plc\",classic\n"+
		"41111150,41111159,debit,GB,visa,\"Bank of Kent, plc\",classic\n"+
		"\n"+
		"5500000,5500004,prepaid,PH,mastercard,,\n"+
		"5500005,5500009,prepaid,SG,mastercard,,\n"+
		"550001,550001,,,,,\n"+
		"604200,604299,debit,IN,,,\n"+
		"999999,999999,debit,ZW,unionpay,,\n")
	if table.Rows() != 8 {
		t.Errorf("%d rows", table.Rows())
	}
	kent := payments.IssuerFacts{Scheme: payments.SchemeVisa, Country: "GB", Funding: "credit", Bank: "Bank of Kent, plc", Product: "classic"}
	kentDebit, kentBoth := kent, kent
	kentDebit.Funding, kentBoth.Funding = "debit", ""
	for digits, want := range map[string]payments.IssuerFacts{
		"41111149":         kent,
		"41111150":         kentDebit,
		"41111159":         kentDebit,
		"41111160":         kent,
		"4111115000000000": kentDebit,
		"4111114":          kent,
		"4111115":          kentDebit,
		"411111":           kentBoth, // its numbers agree on all but the funding
		"411112":           {Scheme: payments.SchemeVisa, Country: "US"},
		"499999":           {Scheme: payments.SchemeVisa, Country: "US"},
		"550000":           {Scheme: payments.SchemeMastercard, Funding: "prepaid"},
		"5500004":          {Scheme: payments.SchemeMastercard, Country: "PH", Funding: "prepaid"},
		"550001":           {},
		"604200":           {Country: "IN", Funding: "debit"},
		"99999999":         {Scheme: payments.SchemeUnionPay, Country: "ZW", Funding: "debit"},
		"399999":           {},
		"500000":           {},
		"41111":            {},
		"":                 {},
		"41111x":           {},
		"4111 1111":        {},
	} {
		if diff := cmp.Diff(want, table.Lookup(digits)); diff != "" {
			t.Errorf("%q: %s", digits, diff)
		}
	}
}

func TestLookupAllocatesNothing(t *testing.T) {
	table := read(t, "iin,scheme,country,funding,issuer\n411111,visa,GB,credit,Bank of Kent\n41111150,visa,GB,debit,Bank of Kent\n")
	if n := testing.AllocsPerRun(100, func() { table.Lookup("41111155"); table.Lookup("411111") }); n != 0 {
		t.Errorf("two lookups allocate %v times", n)
	}
}

// TestLookupIsPartial: of six digits of which one number has no row, nothing is known.
func TestLookupIsPartial(t *testing.T) {
	t.Parallel()
	table := read(t, "first,last,scheme,country,funding\n42424200,42424298,visa,US,credit\n")
	if got := table.Lookup("424242"); got != (payments.IssuerFacts{}) {
		t.Errorf("%+v", got)
	}
	if got := table.Lookup("4242429"); got != (payments.IssuerFacts{}) {
		t.Errorf("%+v", got)
	}
	if got := table.Lookup("4242428"); got.Country != "US" {
		t.Errorf("%+v", got)
	}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	const header = "iin,scheme,country,funding,issuer\n"
	const ranges = "first,last,scheme,country,funding\n"
	for name, test := range map[string]struct{ text, want string }{
		"empty":              {"# nothing\n\n", "1:1 the table is empty"},
		"no header":          {"424242,visa,US,credit\n", "1:1 is not a column|1:1 the column iin is missing|1:8 is not a column|1:13 is not a column|1:16 is not a column"},
		"no numbers":         {"scheme,country,funding\n", "1:1 the column iin is missing"},
		"only first":         {"first,scheme,country,funding\n", "1:1 the column iin is missing"},
		"both forms":         {"iin,first,last,scheme,country,funding\n", "1:1 the rows are either"},
		"a column twice":     {"iin,scheme,country,funding,scheme\n", "1:28 this column stands here twice"},
		"columns missing":    {"iin,country\n424242,XX\n", "1:1 the column scheme is missing|1:1 the column funding is missing|2:8 must be the two capital letters"},
		"all of a row":       {header + "42424,vista,us,CREDIT, Bank\n", "2:1 must be 6 to 8 digits|2:7 must be one of visa, mastercard|2:13 must be the two capital letters|2:16 must be one of credit, debit, prepaid|2:23 begins or ends with a space"},
		"a card number":      {header + "4242424242424242,visa,US,credit,\n", "2:1 must be 6 to 8 digits"},
		"not a name":         {header + "424242,visa,US,credit,\"a\nb\"\n424243,visa,US,credit,\xff\n424244,visa,US,credit," + strings.Repeat("é", 101) + "\n", "2:23 has characters|4:23 has characters|5:23 must have 100 characters"},
		"too few and many":   {header + "424242,visa\n424243,visa,US,credit,Bank,more\n", "2:1 has 2 values where the header has 5|3:1 has 6 values"},
		"a quotation mark":   {header + "424242,vi\"sa,US,credit,\n424243,visa,US,credits,\n", "2:10 a quotation mark|3:16 must be one of"},
		"an open one":        {header + "424242,\"visa,US,credit,\n424243,visa,US,credits,\n", "2:1 a quotation mark of this line is not closed"},
		"last before first":  {ranges + "424243,424242,visa,US,credit\n", "2:8 is less than first"},
		"unequal lengths":    {ranges + "424242,4242429,visa,US,credit\n", "2:8 must have as many digits as first"},
		"the same, contrary": {header + "424242,visa,US,credit,\n# between\n424242,visa,US,debit,\n", "4:1 tells something else of the same numbers than line 2"},
		"partly, contrary":   {ranges + "424250,424259,visa,US,credit\n424240,424252,visa,GB,credit\n", "3:1 overlaps the range of line 2 in part"},
		"deep":               {ranges + deep(40), "34:1 is one of more than 32 ranges|35:1 is one of more|36:1 is one of more|37:1 is one of more|38:1 is one of more|39:1 is one of more|40:1 is one of more|41:1 is one of more"},
		"with faults":        {header + "424242,visa,US,credit,\n424242,visa,GB,credit,\n42,visa,US,credit,\n", "3:1 tells something else|4:1 must be 6 to 8"},
		"many":               {header + strings.Repeat("4,visa,US,credit,\n", 5000), strings.Repeat("must be 6 to 8 digits|", 100) + "102:1 and more"},
		"many contradictory": {header + "424242,visa,US,credit,\n" + strings.Repeat("424242,visa,GB,credit,\n", 5000), strings.Repeat("tells something else|", 100) + "and more"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			table, faults := iin.Read(strings.NewReader(test.text))
			want := strings.Split(test.want, "|")
			if table != nil || len(faults) != len(want) {
				t.Fatalf("%+v", faults)
			}
			for i, f := range faults {
				if got := fmt.Sprintf("%d:%d %s", f.Line, f.Column, f.Message); !strings.Contains(got, want[i]) {
					t.Errorf("%s\nis not %s", got, want[i])
				}
			}
		})
	}
}

// deep is so many ranges, each within the one before.
func deep(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "%d,%d,visa,%s,credit\n", 400000+i, 499999-i, [...]string{"GB", "US"}[i%2])
	}
	return b.String()
}

// TestHarmlessOverlaps: ranges that overlap and tell the same contradict nothing.
func TestHarmlessOverlaps(t *testing.T) {
	t.Parallel()
	table := read(t, "first,last,scheme,country,funding\n424240,424252,visa,US,credit\n424250,424259,visa,US,credit\n424240,424252,visa,US,credit\n424251,424251,visa,US,debit\n")
	for digits, funding := range map[string]string{"424240": "credit", "424251": "debit", "424252": "credit", "424259": "credit", "424260": ""} {
		if got := table.Lookup(digits).Funding; got != funding {
			t.Errorf("%s: %q", digits, got)
		}
	}
}

func TestUnreadable(t *testing.T) {
	t.Parallel()
	table, faults := iin.Read(iotest.ErrReader(errors.New("the disk is gone")))
	if table != nil || len(faults) != 1 || faults[0].Message != "the table cannot be read to its end" {
		t.Errorf("%+v", faults)
	}
}
