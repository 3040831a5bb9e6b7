package reconcile

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"switchyard/payments"
)

const header = "reference,provider_id,type,amount,currency,fee,settled_at\n"

func TestReadSettlement(t *testing.T) {
	t.Parallel()
	day := time.Date(2026, 3, 31, 0, 0, 0, 0, time.UTC)
	want := []Row{
		settled("charge", "ref1", "pay_1", 1050, day),
		settled("refund", "", "rf_1", 500, day.Add(10*time.Hour)),
	}
	for name, tt := range map[string]struct{ file, columns string }{
		"as documented":       {header + "ref1,pay_1,charge,10.50,PHP,0.30,2026-03-31\n,rf_1,refund,5,PHP,,2026-03-31T10:00:00Z\n", ""},
		"from a spreadsheet":  {"\ufeff" + strings.ReplaceAll(header+"ref1,pay_1,Charge,10.50,php,0.30,2026-03-31 00:00:00\n,rf_1,REFUND,-5.00,PHP,,2026-03-31T18:00:00+08:00\n", "\n", "\r\n"), ""},
		"with names of a PSP": {"Settled,Order,Id,Kind,Gross,Cur,Net,Cost\n2026-03-31,ref1,pay_1,charge,10.50,PHP,10.20,0.3\n2026-03-31T10:00:00Z,,rf_1,refund,5.00,PHP,5.00,\n", "reference=order, provider_id=Id,type=Kind,amount=Gross,currency=Cur,fee=Cost,settled_at=Settled"},
	} {
		columns, err := ParseColumns(tt.columns)
		if err != nil {
			t.Fatal(err)
		}
		got, err := ReadSettlement(strings.NewReader(tt.file), columns)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if diff := cmp.Diff(want, got.Rows); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		if diff := cmp.Diff([]Fee{{"PHP", 30}}, got.Fees); diff != "" {
			t.Errorf("%s: fees (-want +got):\n%s", name, diff)
		}
	}
	alone, err := ReadSettlement(strings.NewReader("reference,type,amount,currency,settled_at\n"), nil)
	if err != nil || len(alone.Rows) != 0 || len(alone.Fees) != 0 {
		t.Errorf("a header alone: %+v %v", alone, err)
	}
}

func TestReadSettlementRefuses(t *testing.T) {
	t.Parallel()
	good := "ref1,pay_1,charge,10.50,PHP,0.30,2026-03-31\n"
	for name, tt := range map[string]struct {
		file, columns string
		line          int
		says          string
	}{
		"nothing":                           {"", "", 1, "empty"},
		"no amount":                         {"reference,type,currency,settled_at\n", "", 1, `"amount"`},
		"no name for the charge":            {"type,amount,currency,settled_at\n", "", 1, "neither"},
		"a column twice":                    {"reference,reference,type,amount,currency,settled_at\n", "", 1, "twice"},
		"a column that was named":           {header, "fee=Cost", 1, `"Cost"`},
		"too few fields":                    {header + good + "ref1,pay_1\n", "", 3, "wrong number of fields"},
		"too many fields":                   {header + good + good[:len(good)-1] + ",x\n", "", 3, "wrong number of fields"},
		"an open quote":                     {header + good + "\"ref1,pay_1,charge,1,PHP,,2026-03-31\n", "", 3, "extraneous"},
		"an unknown type":                   {header + good + "ref1,,payout,1,PHP,,2026-03-31\n", "", 3, "type"},
		"no reference and no id":            {header + ",,charge,1,PHP,,2026-03-31\n", "", 2, "neither"},
		"an unknown currency":               {header + "ref1,,charge,1,XQX,,2026-03-31\n", "", 2, "currency"},
		"a negative charge":                 {header + "ref1,,charge,-1,PHP,,2026-03-31\n", "", 2, "negative"},
		"a separator of thousands":          {header + "ref1,,charge,\"1,000.00\",PHP,,2026-03-31\n", "", 2, "amount"},
		"more decimals than there are":      {header + "ref1,,charge,1.5,JPY,,2026-03-31\n", "", 2, "amount"},
		"nothing taken":                     {header + "ref1,,charge,0.00,PHP,,2026-03-31\n", "", 2, "amount"},
		"an exponent":                       {header + "ref1,,charge,1e3,PHP,,2026-03-31\n", "", 2, "amount"},
		"a fee in words":                    {header + "ref1,,charge,1,PHP,free,2026-03-31\n", "", 2, "fee"},
		"another kind of date":              {header + "ref1,,charge,1,PHP,,31/03/2026\n", "", 2, "settled_at"},
		"no date":                           {header + "ref1,,charge,1,PHP,,\n", "", 2, "settled_at"},
		"a reference that is much too long": {header + strings.Repeat("x", 300) + ",,charge,1,PHP,,2026-03-31\n", "", 2, "too long"},
	} {
		columns, err := ParseColumns(tt.columns)
		if err != nil {
			t.Fatal(err)
		}
		s, err := ReadSettlement(strings.NewReader(tt.file), columns)
		var line *LineError
		if !errors.As(err, &line) || line.Line != tt.line || !strings.Contains(err.Error(), tt.says) || s != nil {
			t.Errorf("%s: %v, want line %d and %q", name, err, tt.line, tt.says)
		}
	}
}

// endless is a line that comes again and again.
type endless struct {
	line []byte
	at   int
}

func (e *endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = e.line[e.at]
		e.at = (e.at + 1) % len(e.line)
	}
	return len(p), nil
}

func TestReadSettlementIsBounded(t *testing.T) {
	t.Parallel()
	long := []byte("ref1,pay_1,charge,10.50,PHP,0.30,2026-03-31,\"" + strings.Repeat("x", 1000) + "\"\n")
	head := strings.NewReader("reference,provider_id,type,amount,currency,fee,settled_at,note\n")
	_, err := ReadSettlement(io.MultiReader(head, &endless{line: long}), nil)
	var line *LineError
	if !errors.As(err, &line) || line.Line < 2 || !strings.Contains(err.Error(), "larger") {
		t.Errorf("a file without an end: %v", err)
	}
}

func TestParseColumnsRefuses(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"reference", "reference=", "nonsense=x", "fee=a,fee=b", "fee=a,,amount=b"} {
		if c, err := ParseColumns(text); err == nil {
			t.Errorf("%q is read as %v", text, c)
		}
	}
}

// FuzzReadSettlement: whatever comes in, what is read is sound, and a fault has its line.
func FuzzReadSettlement(f *testing.F) {
	f.Add(header+"ref1,pay_1,charge,10.50,PHP,0.30,2026-03-31\n,rf_1,refund,-5,PHP,,2026-03-31T10:00:00Z\n", "")
	f.Add("Order,type,amount,currency,settled_at\n\"a\nb\",charge,1,JPY,2026-03-31\n", "reference=Order")
	f.Add("\ufeffreference,type,amount,currency,settled_at\r\n", "amount=type")
	f.Fuzz(func(t *testing.T, file, columns string) {
		c, err := ParseColumns(columns)
		if err != nil {
			return
		}
		s, err := ReadSettlement(strings.NewReader(file), c)
		if err != nil {
			var line *LineError
			if s != nil || !errors.As(err, &line) || line.Line < 1 {
				t.Fatalf("%v beside %v", err, s)
			}
			return
		}
		for _, row := range s.Rows {
			if row.Amount.Minor <= 0 || !row.Amount.Currency.Valid() || row.CreatedAt.IsZero() || row.Reference == "" && row.Refs.Charge == "" ||
				row.Kind != payments.ListedCharge && row.Kind != payments.ListedRefund {
				t.Fatalf("read: %+v", row)
			}
		}
		Compare(Input{Source: FromSettlement, Rows: s.Rows, Since: since, Until: until, AsOf: asOf, LastSettled: s.last(), Charges: []Charge{paid("1", 1000)}})
		if len(fmt.Sprint(s.Fees)) == 0 {
			t.Fatal("no fees")
		}
	})
}
