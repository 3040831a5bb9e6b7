package payments

import (
	"slices"
	"strings"
	"sync"
	"testing"
)

func TestNewIDShape(t *testing.T) {
	t.Parallel()
	id := NewID(PrefixInvoice)
	body, ok := strings.CutPrefix(id, PrefixInvoice)
	if !ok || len(body) != 32 || strings.Trim(body, idAlphabet) != "" {
		t.Fatalf("%q is not the prefix and 32 letters and digits", id)
	}
	if AttemptID(body) != PrefixAttempt+body {
		t.Error("an attempt's id is its reference with the prefix")
	}
}

func TestIDsSortByTimeAndAreUnique(t *testing.T) {
	t.Parallel()
	const each, workers = 2000, 4
	lists := make([][]string, workers)
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for range each {
				lists[w] = append(lists[w], NewReference())
			}
		})
	}
	wg.Wait()
	seen := map[string]bool{}
	for _, list := range lists {
		if !slices.IsSorted(list) {
			t.Error("ids made one after the other are out of order")
		}
		for _, id := range list {
			if seen[id] {
				t.Fatalf("%s was given out twice", id)
			}
			seen[id] = true
		}
	}
}

func TestDecisionOrder(t *testing.T) {
	t.Parallel()
	d := Decision{Candidates: []Candidate{{PSP: "a", Verdict: Chosen}, {PSP: "x", Verdict: Excluded}, {PSP: "b", Verdict: Fallback}}}
	var got []string
	for _, c := range d.Order() {
		got = append(got, c.PSP)
	}
	if !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("order is %v", got)
	}
}
