package payments

import (
	"crypto/rand"
	"encoding/binary"
	"sync"
	"time"
)

// Prefixes of public ids. An id is its prefix and 32 lower-case letters and digits that sort by time of creation.
const (
	PrefixCustomer    = "cust_"
	PrefixToken       = "tok_"
	PrefixCard        = "card_"
	PrefixInvoice     = "iv_"
	PrefixTransaction = "tr_"
	PrefixAttempt     = "tr_op_"
	PrefixRefund      = "refd_"
	PrefixEvent       = "ev_"
	PrefixGateway     = "gway_conf_"
	PrefixInbound     = "whin_"
)

// idAlphabet has 32 symbols in ascending byte order, so that text order is number order.
const idAlphabet = "0123456789abcdefghjkmnpqrstvwxyz"

// idClock hands out strictly increasing 64-bit stamps: milliseconds in the upper 48 bits, a counter in the lower 16.
var idClock struct {
	sync.Mutex
	last uint64
}

// NewID returns a public id: prefix and 32 letters and digits, sortable by time, unique for ever.
func NewID(prefix string) string { return prefix + NewReference() }

// NewReference returns 32 letters and digits that sort by time: 64 bits of time and counter, then 96 random bits.
// It fits the reference field and the idempotency header of every PSP.
func NewReference() string {
	var raw [20]byte
	binary.BigEndian.PutUint64(raw[:8], nextStamp())
	_, _ = rand.Read(raw[8:]) // never fails: the runtime ends the program when there is no randomness
	out := make([]byte, 0, 32)
	var bits, have uint
	for _, b := range raw {
		bits, have = bits<<8|uint(b), have+8
		for have >= 5 {
			have -= 5
			out = append(out, idAlphabet[bits>>have&31])
		}
	}
	return string(out)
}

func nextStamp() uint64 {
	now := uint64(time.Now().UnixMilli()) << 16
	idClock.Lock()
	defer idClock.Unlock()
	idClock.last = max(now, idClock.last+1)
	return idClock.last
}

// AttemptID is the public id of the attempt whose reference is given.
func AttemptID(reference string) string { return PrefixAttempt + reference }
