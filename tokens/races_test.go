package tokens_test

import (
	"sync"
	"testing"

	"switchyard/payments"
	"switchyard/tokens"
)

// Two PUTs at once: one card gets onto the token, and the other stays as it was.
func TestTwoAssignsAtOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	c := b.customer(t)
	token := b.token(t, c, "", false)
	cards := []payments.Card{b.card(t), b.card(t)}
	errs := together(len(cards), func(i int) error {
		p, err := b.Assign(t.Context(), project, c.ID, token.ID, tokens.Request{Source: cards[i].ID})
		if err != nil {
			return err
		}
		_, err = b.Commit(t.Context(), p, nil)
		return err
	})
	wantOneWinner(t, errs, payments.CodeSourceInvalid)
	got, err := b.Token(t.Context(), project, c.ID, token.ID)
	if err != nil {
		t.Fatal(err)
	}
	for _, card := range cards {
		kept, err := b.vault.Card(t.Context(), project, card.ID)
		if err != nil || (kept.UsedBy == token.ID) != (got.CardID == card.ID) {
			t.Errorf("token %+v, card %+v, %v", got, kept, err)
		}
	}
}

// The same card on many tokens at once: one gets it.
func TestOneCardOnManyTokensAtOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	card := b.card(t)
	customers := make([]payments.Customer, 4)
	for i := range customers {
		customers[i] = b.customer(t)
	}
	errs := together(len(customers), func(i int) error {
		p, err := b.Create(t.Context(), b.request(customers[i], card.ID, false))
		if err != nil {
			return err
		}
		_, err = b.Commit(t.Context(), p, nil)
		return err
	})
	wantOneWinner(t, errs, payments.CodeSourceCardAlreadyUsed)
	if len(b.store.tokens) != 1 {
		t.Errorf("%d tokens", len(b.store.tokens))
	}
}

// Many tokens of one customer at once: all are made, and one is the default.
func TestManyTokensOfOneCustomerAtOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	c := b.customer(t)
	errs := together(6, func(int) error {
		p, err := b.Create(t.Context(), b.request(c, "", false))
		if err != nil {
			return err
		}
		_, err = b.Commit(t.Context(), p, nil)
		return err
	})
	for _, err := range errs {
		if err != nil {
			t.Error(err)
		}
	}
	got, err := b.Customer(t.Context(), project, c.ID)
	if err != nil || got.DefaultTokenID == "" || len(b.store.tokens) != 6 {
		t.Errorf("customer %+v, %d tokens, %v", got, len(b.store.tokens), err)
	}
}

func together(n int, f func(i int) error) []error {
	errs := make([]error, n)
	start := make(chan struct{})
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			<-start
			errs[i] = f(i)
		})
	}
	close(start)
	wg.Wait()
	return errs
}

func wantOneWinner(t *testing.T, errs []error, code string) {
	t.Helper()
	won := 0
	for _, err := range errs {
		if err == nil {
			won++
		} else if payments.ErrorCode(err) != code {
			t.Errorf("a loser got %v", err)
		}
	}
	if won != 1 {
		t.Errorf("%d have won: %v", won, errs)
	}
}
