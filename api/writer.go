package api

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"sync"
	"time"
	"unicode/utf8"

	"switchyard/payments"
)

// timeForm is how every time is written: UTC with exactly milliseconds, the one pattern that all SDKs read.
const timeForm = "2006-01-02T15:04:05.000Z"

// writer writes one JSON document. Members stand in the order of the calls, so that equal calls give equal bytes.
type writer struct{ buf []byte }

// next puts the comma between two members or elements.
func (w *writer) next() {
	if n := len(w.buf); n > 0 {
		if c := w.buf[n-1]; c != '{' && c != '[' && c != ':' {
			w.buf = append(w.buf, ',')
		}
	}
}

func (w *writer) open()      { w.next(); w.buf = append(w.buf, '{') }
func (w *writer) close()     { w.buf = append(w.buf, '}') }
func (w *writer) openList()  { w.next(); w.buf = append(w.buf, '[') }
func (w *writer) closeList() { w.buf = append(w.buf, ']') }

// name writes the name of a member; its value has to follow. Names are constants of ours and need no escaping.
func (w *writer) name(name string) {
	w.next()
	w.buf = append(w.buf, '"')
	w.buf = append(w.buf, name...)
	w.buf = append(w.buf, '"', ':')
}

// value writes a text as a value.
func (w *writer) value(text string) {
	w.next()
	for i := range len(text) {
		if c := text[i]; c < ' ' || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' || c >= utf8.RuneSelf {
			quoted, err := json.Marshal(text)
			if err != nil {
				quoted = []byte(`""`) // a text can always be written
			}
			w.buf = append(w.buf, quoted...)
			return
		}
	}
	w.buf = append(w.buf, '"')
	w.buf = append(w.buf, text...)
	w.buf = append(w.buf, '"')
}

// null writes members that are null: what is not known, or not expanded.
func (w *writer) null(names ...string) {
	for _, name := range names {
		w.name(name)
		w.buf = append(w.buf, "null"...)
	}
}

// text writes a text, null when it is empty.
func (w *writer) text(name, text string) {
	if text == "" {
		w.null(name)
		return
	}
	w.full(name, text)
}

// full writes a text that is never null.
func (w *writer) full(name, text string) {
	w.name(name)
	w.value(text)
}

func (w *writer) flag(name string, on bool) {
	w.name(name)
	w.buf = strconv.AppendBool(w.buf, on)
}

func (w *writer) number(name string, n int) {
	w.name(name)
	w.buf = strconv.AppendInt(w.buf, int64(n), 10)
}

func (w *writer) float(name string, f float64) {
	w.name(name)
	w.buf = strconv.AppendFloat(w.buf, f, 'f', -1, 64)
}

// at writes a time, null when it is zero.
func (w *writer) at(name string, at time.Time) {
	if at.IsZero() {
		w.null(name)
		return
	}
	w.name(name)
	w.buf = append(w.buf, '"')
	w.buf = at.UTC().AppendFormat(w.buf, timeForm)
	w.buf = append(w.buf, '"')
}

// texts writes a map of texts in the order of its names, {} when it is empty.
func (w *writer) texts(name string, m map[string]string) {
	w.name(name)
	w.open()
	for _, key := range slices.Sorted(maps.Keys(m)) {
		w.value(key)
		w.buf = append(w.buf, ':')
		w.value(m[key])
	}
	w.close()
}

// emptyList writes a list that is always empty here.
func (w *writer) emptyList(name string) {
	w.name(name)
	w.openList()
	w.closeList()
}

// extra writes fields that only pass through, each null when it was never given.
func (w *writer) extra(e payments.Extra, names ...string) {
	for _, name := range names {
		w.raw(name, e[name])
	}
}

// raw writes JSON as it is, null when it is empty.
func (w *writer) raw(name string, data json.RawMessage) {
	if len(data) == 0 {
		w.null(name)
		return
	}
	w.name(name)
	w.buf = append(w.buf, data...)
}

// writerPool keeps buffers between answers.
type writerPool struct{ pool sync.Pool }

// maxPooled is the largest buffer that is kept: a hundred transactions with all their parts are rare.
const maxPooled = 64 << 10

func (p *writerPool) get() *writer {
	if w, ok := p.pool.Get().(*writer); ok {
		return w
	}
	return &writer{buf: make([]byte, 0, 4<<10)}
}

func (p *writerPool) put(w *writer) {
	if cap(w.buf) > maxPooled {
		return
	}
	w.buf = w.buf[:0]
	p.pool.Put(w)
}
