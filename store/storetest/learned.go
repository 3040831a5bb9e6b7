package storetest

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"switchyard/payments"
)

// Memory keeps what smart routing has learnt.
type Memory interface {
	Learned(ctx context.Context) (payments.Learned, error)
	NewsOfLearning(ctx context.Context, after int64, limit int) ([]payments.LearnedNews, error)
	NewestNews(ctx context.Context) (int64, error)
}

func learned(t *testing.T, open Open) {
	each(t, open, map[string]func(*testing.T, Store){
		"the state is put":  learnedIsPut,
		"news are in order": newsOfLearningIsInOrder,
	})
}

func learnedIsPut(t *testing.T, s Store) {
	if _, err := s.Learned(t.Context()); !errors.Is(err, payments.ErrNotFound) {
		t.Fatalf("before anything was learnt: %v", err)
	}
	for i, instance := range []string{"a", "b"} {
		want := payments.Learned{Instance: instance, At: epoch.Add(time.Duration(i) * time.Minute), State: []byte{0, 1, 255, byte(i)}}
		mustApply(t, s, payments.Change{Learned: &want})
		got, err := s.Learned(t.Context())
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%v\n%s", err, diff)
		}
	}
}

func newsOfLearningIsInOrder(t *testing.T, s Store) {
	if seq, err := s.NewestNews(t.Context()); seq != 0 || err != nil {
		t.Fatalf("without news: %d, %v", seq, err)
	}
	tell := func(instance string, at time.Time) {
		mustApply(t, s, payments.Change{LearnedNews: []payments.LearnedNews{{Instance: instance, At: at, Counts: []byte(instance)}}})
	}
	for _, instance := range []string{"c", "a", "b"} {
		tell(instance, epoch)
	}
	read := func(after int64, limit int) (names []string, last int64) {
		list, err := s.NewsOfLearning(t.Context(), after, limit)
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range list {
			if n.Seq <= after || string(n.Counts) != n.Instance || !n.At.Equal(epoch) {
				t.Errorf("%+v", n)
			}
			names, last = append(names, n.Instance), n.Seq
		}
		return names, last
	}
	first, place := read(0, 2)
	rest, last := read(place, 10)
	if !slices.Equal(first, []string{"c", "a"}) || !slices.Equal(rest, []string{"b"}) {
		t.Errorf("%q, then %q", first, rest)
	}
	if newest, err := s.NewestNews(t.Context()); newest != last || err != nil {
		t.Errorf("the newest is %d, not %d: %v", newest, last, err)
	}
	tell("d", epoch.Add(2*payments.LearnedNewsKept))
	list, err := s.NewsOfLearning(t.Context(), 0, 10)
	if err != nil || len(list) != 1 || list[0].Instance != "d" || list[0].Seq <= last {
		t.Errorf("old news is not dropped, or its place is given again: %+v, %v", list, err)
	}
}
