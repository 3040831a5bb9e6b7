package iin

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"switchyard/payments"
)

// Bounds of a table.
const (
	maxBytes  = 256 << 20
	maxRows   = 2_000_000
	maxText   = 100 // characters of a bank or product
	maxFaults = 100
)

// Fault is one thing that is wrong with a table. It never repeats what stands there: a card number may, by mistake.
type Fault struct {
	Line, Column int // from 1
	Message      string
}

// column is a column of a table, by its place in columnNames.
type column int

const (
	columnIIN column = iota
	columnFirst
	columnLast
	columnScheme
	columnCountry
	columnFunding
	columnIssuer
	columnProduct
	columnCount
)

var columnNames = [columnCount]string{"iin", "first", "last", "scheme", "country", "funding", "issuer", "product"}

// Read reads a table: lines of comma-separated values below a header that names the columns, in any order. Each row is of the
// numbers that begin with `iin`, or that lie between the beginnings `first` and `last`, of 6 to 8 digits. Where ranges overlap,
// the narrowest tells of a number, and it alone. Lines that begin with # are comments. The table is nil when there are faults,
// of which the first hundred are returned, in the order of the lines.
func Read(r io.Reader) (*Table, []Fault) {
	input := bufio.NewReader(&io.LimitedReader{R: r, N: maxBytes + 1})
	if mark, _ := input.Peek(3); bytes.Equal(mark, []byte("\ufeff")) { // spreadsheets write it
		_, _ = input.Discard(len(mark))
	}
	d := &reader{csv: csv.NewReader(input), table: &Table{}, texts: map[string]uint32{}, records: map[record]uint32{}}
	d.csv.FieldsPerRecord, d.csv.ReuseRecord, d.csv.Comment = -1, true, '#'
	d.text("")
	d.record(record{})
	if d.header() {
		d.rows()
		d.table.build(d.list, func(line int, message string, other int) { d.addAt(line, 1, fmt.Sprintf(message, other)) })
	}
	if len(d.faults) == 0 {
		d.table.rows = len(d.list)
		return d.table, nil
	}
	slices.SortStableFunc(d.faults, func(a, b Fault) int { return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column)) })
	if len(d.faults) > maxFaults {
		d.faults[maxFaults].Message = "and more: mend those above first"
	}
	return nil, d.faults
}

// reader reads one table.
type reader struct {
	csv     *csv.Reader
	table   *Table
	list    []row
	texts   map[string]uint32 // index of table.texts
	records map[record]uint32 // index of table.records
	places  [columnCount]int  // index of each column in a line; -1 without it
	width   int               // columns of a line
	faults  []Fault           // one more than maxFaults at most
}

// next reads a line. It returns nil at the end, or when no more can be read.
func (d *reader) next() []string {
	for !d.full() {
		fields, err := d.csv.Read()
		syntax, isSyntax := errors.AsType[*csv.ParseError](err)
		switch {
		case d.csv.InputOffset() > maxBytes:
			d.addAt(1, 1, "the table is larger than 256 MiB")
			return nil
		case err == nil:
			return fields
		case errors.Is(err, io.EOF):
			return nil
		case isSyntax && syntax.StartLine != syntax.Line:
			d.addAt(syntax.StartLine, 1, "a quotation mark of this line is not closed there")
		case isSyntax:
			d.addAt(syntax.Line, syntax.Column, "a quotation mark stands in the wrong place: put it around a whole value, doubled within it")
		default:
			d.addAt(1, 1, "the table cannot be read to its end")
			return nil
		}
	}
	return nil
}

// header reads the names of the columns. It says whether the rows can be read.
func (d *reader) header() bool {
	for i := range d.places {
		d.places[i] = -1
	}
	names := d.next()
	if names == nil {
		if len(d.faults) == 0 {
			d.addAt(1, 1, "the table is empty: it needs a header, such as iin,scheme,country,funding")
		}
		return false
	}
	d.width = len(names)
	for i, name := range names {
		at := slices.Index(columnNames[:], name)
		switch {
		case at < 0:
			d.add(i, "is not a column of this table: those are "+strings.Join(columnNames[:], ", "))
		case d.places[at] >= 0:
			d.add(i, "this column stands here twice")
		default:
			d.places[at] = i
		}
	}
	single, first, last := d.places[columnIIN] >= 0, d.places[columnFirst] >= 0, d.places[columnLast] >= 0
	switch {
	case single && (first || last):
		d.add(0, "the rows are either of an iin or from first to last: remove one or the other")
	case !single && !(first && last):
		d.add(0, "the column iin is missing, or the columns first and last")
		return false
	}
	for _, c := range []column{columnScheme, columnCountry, columnFunding} {
		if d.places[c] < 0 {
			d.add(0, "the column "+columnNames[c]+" is missing; it may be empty")
		}
	}
	return true
}

func (d *reader) rows() {
	for fields := d.next(); fields != nil; fields = d.next() {
		line, _ := d.csv.FieldPos(0)
		switch {
		case len(fields) != d.width:
			d.addAt(line, 1, fmt.Sprintf("has %d values where the header has %d", len(fields), d.width))
			continue
		case len(d.list) == maxRows:
			d.addAt(line, 1, "the table has more than 2,000,000 rows")
			return
		}
		first, last, ok := d.numbers(fields)
		known := record{
			scheme: d.word(fields, columnScheme, len(schemes), func(i int) string { return string(schemes[i]) }), country: d.country(fields),
			funding: d.word(fields, columnFunding, len(fundings), func(i int) string { return fundings[i] }),
			bank:    d.words(fields, columnIssuer), product: d.words(fields, columnProduct),
		}
		if ok {
			d.list = append(d.list, row{first: first, last: last, record: d.record(known), line: uint32(line)}) //nolint:gosec // of 256 MiB at most
		}
	}
}

// numbers reads what a row is of.
func (d *reader) numbers(fields []string) (first, last uint32, ok bool) {
	if i := d.places[columnIIN]; i >= 0 {
		return d.digits(fields, i)
	}
	from, to := d.places[columnFirst], d.places[columnLast]
	first, _, okFirst := d.digits(fields, from)
	_, last, okLast := d.digits(fields, to)
	switch {
	case !okFirst || !okLast:
		return 0, 0, false
	case len(fields[from]) != len(fields[to]):
		d.add(to, "must have as many digits as first")
		return 0, 0, false
	case first > last:
		d.add(to, "is less than first")
		return 0, 0, false
	}
	return first, last, true
}

func (d *reader) digits(fields []string, i int) (first, last uint32, ok bool) {
	if len(fields[i]) <= longest {
		first, last, ok = span(fields[i])
	}
	if !ok {
		d.add(i, "must be 6 to 8 digits")
	}
	return first, last, ok
}

// value is what a row has in a column; empty without the column.
func (d *reader) value(fields []string, c column) string {
	if i := d.places[c]; i >= 0 {
		return fields[i]
	}
	return ""
}

// word reads one of a few words and returns its index.
func (d *reader) word(fields []string, c column, count int, word func(int) string) uint8 {
	value := d.value(fields, c)
	for i := range count {
		if word(i) == value {
			return uint8(i)
		}
	}
	known := make([]string, count-1)
	for i := range known {
		known[i] = word(i + 1)
	}
	d.add(d.places[c], "must be one of "+strings.Join(known, ", ")+"; or empty when it is not known")
	return 0
}

func (d *reader) country(fields []string) uint32 {
	value := d.value(fields, columnCountry)
	index, known := d.texts[value]
	if value != "" && !payments.IsCountry(value) {
		d.add(d.places[columnCountry], "must be the two capital letters of a country in ISO 3166-1; or empty when it is not known")
		return 0
	}
	if known {
		return index
	}
	return d.text(value)
}

// words reads a name, which merchants are shown.
func (d *reader) words(fields []string, c column) uint32 {
	value := d.value(fields, c)
	index, known := d.texts[value]
	if known {
		return index
	}
	switch {
	case !utf8.ValidString(value) || strings.ContainsFunc(value, func(r rune) bool { return !unicode.IsGraphic(r) }):
		d.add(d.places[c], "has characters that do not belong in a name: write the table in UTF-8")
	case utf8.RuneCountInString(value) > maxText:
		d.add(d.places[c], "must have 100 characters at most")
	case strings.TrimSpace(value) != value:
		d.add(d.places[c], "begins or ends with a space")
	default:
		return d.text(value)
	}
	return 0
}

// text keeps a text, once.
func (d *reader) text(value string) uint32 {
	value = strings.Clone(value)        // it lies in the memory of its line
	index := uint32(len(d.table.texts)) //nolint:gosec // three a row at most
	d.table.texts = append(d.table.texts, value)
	d.texts[value] = index
	return index
}

// record keeps what a row tells, once.
func (d *reader) record(known record) uint32 {
	index, is := d.records[known]
	if !is {
		index = uint32(len(d.table.records)) //nolint:gosec // one a row at most
		d.table.records = append(d.table.records, known)
		d.records[known] = index
	}
	return index
}

// add reports a fault of a value in the line that was read last.
func (d *reader) add(field int, message string) {
	line, column := d.csv.FieldPos(field)
	d.addAt(line, column, message)
}

func (d *reader) addAt(line, column int, message string) {
	if !d.full() {
		d.faults = append(d.faults, Fault{Line: line, Column: column, Message: message})
	}
}

// full says that there is one fault more than are reported.
func (d *reader) full() bool { return len(d.faults) > maxFaults }
