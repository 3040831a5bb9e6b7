package reconcile

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"switchyard/payments"
)

// Bounds of a settlement file.
const (
	MaxSettlementBytes = 64 << 20
	maxSettlementRows  = 1_000_000
	maxField           = 200 // bytes of a field that is read
)

// The columns of a settlement file, by the names that they have unless Columns says otherwise.
const (
	columnReference = "reference"
	columnProvider  = "provider_id"
	columnType      = "type"
	columnAmount    = "amount"
	columnCurrency  = "currency"
	columnFee       = "fee"
	columnSettledAt = "settled_at"
)

// SettlementColumns lists the columns of a settlement file. Either reference or provider_id must be there, and fee may be left
// out.
func SettlementColumns() []string {
	return []string{columnReference, columnProvider, columnType, columnAmount, columnCurrency, columnFee, columnSettledAt}
}

// Columns says which column of a file stands for one of ours: ours → the file's. What is left out has our name.
type Columns map[string]string

// ParseColumns reads "reference=Order ID,amount=Gross".
func ParseColumns(text string) (Columns, error) {
	c := Columns{}
	if text == "" {
		return c, nil
	}
	for part := range strings.SplitSeq(text, ",") {
		ours, theirs, ok := strings.Cut(part, "=")
		ours, theirs = strings.TrimSpace(ours), strings.TrimSpace(theirs)
		switch {
		case !ok || theirs == "":
			return nil, fmt.Errorf("%q does not say which column it is: write ours=theirs", part)
		case !slices.Contains(SettlementColumns(), ours):
			return nil, fmt.Errorf("%q is no column: there are %s", ours, strings.Join(SettlementColumns(), ", "))
		case c[ours] != "":
			return nil, fmt.Errorf("%q is given twice", ours)
		}
		c[ours] = theirs
	}
	return c, nil
}

// Settlement is a PSP's settlement file.
type Settlement struct {
	Rows []Row
	Fees []Fee // by currency
}

// last is when the latest row was settled.
func (s *Settlement) last() time.Time {
	var last time.Time
	for _, row := range s.Rows {
		last = latest(last, row.CreatedAt)
	}
	return last
}

// LineError is a fault in a line of a file.
type LineError struct {
	Line    int
	Message string
}

func (e *LineError) Error() string { return fmt.Sprintf("line %d: %s", e.Line, e.Message) }

// ReadSettlement reads a settlement file: CSV with a header. Any fault in it is a *LineError: half a file would show differences
// that are none.
func ReadSettlement(file io.Reader, columns Columns) (*Settlement, error) {
	bounded := &io.LimitedReader{R: file, N: MaxSettlementBytes + 1}
	lines := csv.NewReader(bounded)
	lines.ReuseRecord = true
	header, err := lines.Read()
	if err != nil {
		return nil, lineFault(err, 1)
	}
	places, err := placesOf(header, columns)
	if err != nil {
		return nil, err
	}
	s := &Settlement{}
	fees := map[payments.Currency]int64{}
	line := 1
	for {
		record, err := lines.Read()
		if err == nil {
			line, _ = lines.FieldPos(0)
		}
		switch {
		case bounded.N <= 0:
			return nil, &LineError{line, fmt.Sprintf("the file is larger than %d MiB; split it", MaxSettlementBytes>>20)}
		case errors.Is(err, io.EOF):
			for _, currency := range slices.Sorted(maps.Keys(fees)) {
				if fees[currency] != 0 {
					s.Fees = append(s.Fees, Fee{currency, fees[currency]})
				}
			}
			return s, nil
		case err != nil:
			return nil, lineFault(err, line)
		case len(s.Rows) == maxSettlementRows:
			return nil, &LineError{line, fmt.Sprintf("the file has more than %d rows; split it", maxSettlementRows)}
		}
		row, fee, fault := places.read(record)
		if fault != "" {
			return nil, &LineError{line, fault}
		}
		s.Rows = append(s.Rows, row)
		fees[row.Amount.Currency] += fee
	}
}

// lineFault words what the CSV reader does not like, without repeating what stands in the file.
func lineFault(err error, line int) error {
	if parse, ok := errors.AsType[*csv.ParseError](err); ok {
		return &LineError{parse.Line, parse.Err.Error()}
	}
	if errors.Is(err, io.EOF) {
		return &LineError{line, "the file is empty: it must begin with a header"}
	}
	return fmt.Errorf("settlement file: %w", err)
}

// places are where the columns are, -1 for one that is not there.
type places map[string]int

func placesOf(header []string, columns Columns) (places, error) {
	p := places{}
	for _, ours := range SettlementColumns() {
		theirs := ours
		if columns[ours] != "" {
			theirs = columns[ours]
		}
		p[ours] = -1
		for i, name := range header {
			if i == 0 {
				name = strings.TrimPrefix(name, "\ufeff")
			}
			if !strings.EqualFold(strings.TrimSpace(name), theirs) {
				continue
			}
			if p[ours] >= 0 {
				return nil, &LineError{1, fmt.Sprintf("the column %q is there twice", theirs)}
			}
			p[ours] = i
		}
		optional := ours == columnReference || ours == columnProvider || ours == columnFee
		if p[ours] < 0 && (!optional || columns[ours] != "") {
			return nil, &LineError{1, fmt.Sprintf("there is no column %q", theirs)}
		}
	}
	if p[columnReference] < 0 && p[columnProvider] < 0 {
		return nil, &LineError{1, fmt.Sprintf("there is neither a column %q nor a column %q", columnReference, columnProvider)}
	}
	return p, nil
}

// read reads a line. The fault names the column and does not repeat what stands in it.
func (p places) read(record []string) (row Row, fee int64, fault string) {
	field := func(name string) string {
		if p[name] < 0 {
			return ""
		}
		return strings.TrimSpace(record[p[name]])
	}
	for _, name := range SettlementColumns() {
		if len(field(name)) > maxField {
			return Row{}, 0, name + " is too long"
		}
	}
	row = Row{Settled: true, Listed: payments.Listed{
		Reference: field(columnReference), Refs: payments.ProviderRefs{Charge: field(columnProvider)}, Captured: payments.NotTold, Refunded: payments.NotTold,
	}}
	switch strings.ToLower(field(columnType)) {
	case string(payments.ListedCharge):
		row.Kind, row.Status = payments.ListedCharge, payments.ListedCaptured
	case string(payments.ListedRefund):
		row.Kind, row.Status = payments.ListedRefund, payments.ListedRefunded
	default:
		return Row{}, 0, `type is neither "charge" nor "refund"`
	}
	if row.Reference == "" && row.Refs.Charge == "" {
		return Row{}, 0, "there is neither a reference nor a provider_id"
	}
	currency := payments.Currency(strings.ToUpper(field(columnCurrency)))
	if !currency.Valid() {
		return Row{}, 0, "currency is no ISO 4217 code"
	}
	// A refund may stand with a minus.
	amount, negative := strings.CutPrefix(field(columnAmount), "-")
	if negative && row.Kind == payments.ListedCharge {
		return Row{}, 0, "amount of a charge is negative"
	}
	var err error
	if row.Amount, err = payments.ParseAmount(amount, currency); err != nil || row.Amount.Minor == 0 {
		return Row{}, 0, "amount is no decimal number over zero that the currency can hold, in major units and with a point"
	}
	if text := field(columnFee); text != "" {
		digits, negative := strings.CutPrefix(text, "-")
		m, err := payments.ParseAmount(digits, currency)
		if err != nil {
			return Row{}, 0, "fee is no decimal number that the currency can hold, in major units and with a point"
		}
		if fee = m.Minor; negative {
			fee = -fee
		}
	}
	if row.CreatedAt, fault = readTime(field(columnSettledAt)); fault != "" {
		return Row{}, 0, fault
	}
	return row, fee, ""
}

// readTime reads a time, or a day in UTC.
func readTime(text string) (time.Time, string) {
	for _, layout := range []string{time.RFC3339, time.DateTime, time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC(), ""
		}
	}
	return time.Time{}, "settled_at is no time: write 2026-03-31T10:00:00Z, 2026-03-31 10:00:00 (UTC) or 2026-03-31"
}
