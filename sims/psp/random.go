package psp

import (
	cryptorand "crypto/rand"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"sync"
)

const (
	alphanumerics = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	// base58 leaves out what the eye confuses.
	base58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
)

// Random makes a simulator's choices and ids. Under one seed and one order of calls they are always the same.
// It is safe for concurrent use.
type Random struct {
	mu     sync.Mutex
	source *rand.Rand
}

// NewRandom makes the stream number `stream` of a seed; seed 0 takes one from the operating system.
func NewRandom(seed int64, stream uint64) *Random {
	state := uint64(seed)
	if seed == 0 {
		var fresh [8]byte
		_, _ = cryptorand.Read(fresh[:]) // never fails: see its documentation
		state = binary.LittleEndian.Uint64(fresh[:])
	}
	return &Random{source: rand.New(rand.NewPCG(state, stream))}
}

// Chance draws once and says yes with the given probability.
func (r *Random) Chance(probability float64) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.source.Float64() < probability
}

// Alphanumeric returns n letters and digits.
func (r *Random) Alphanumeric(n int) string { return r.pick(alphanumerics, n) }

// Base58 returns n characters of base 58.
func (r *Random) Base58(n int) string { return r.pick(base58, n) }

// Bytes returns n bytes.
func (r *Random) Bytes(n int) []byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := make([]byte, n)
	for i := range out {
		out[i] = byte(r.source.Uint32())
	}
	return out
}

// UUID returns a version 4 UUID.
func (r *Random) UUID() string {
	b := r.Bytes(16)
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

func (r *Random) pick(alphabet string, n int) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := make([]byte, n)
	for i := range out {
		out[i] = alphabet[r.source.IntN(len(alphabet))]
	}
	return string(out)
}
