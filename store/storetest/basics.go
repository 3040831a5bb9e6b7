package storetest

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"testing"
	"time"

	"switchyard/payments"
)

// basics is what one caller sees.
func basics(t *testing.T, open Open) {
	each(t, open, map[string]func(*testing.T, Store){
		"everything comes back as it was written": everythingComesBack,
		"nothing set comes back as nothing":       emptyObjectsComeBack,
		"nothing is done after the context ended": contextEnded,

		"unknown things are not found":          unknownIsNotFound,
		"projects do not see each other":        projectsAreApart,
		"deleted things are not found":          deletedIsNotFound,
		"versions":                              versions,
		"the parts of a payment are in order":   paymentInOrder,
		"verifications of a token are in order": verificationsInOrder,
		"mappings are put":                      mappingsArePut,
		"a method's mappings are found":         mappingsOfMethod,
		"a PSP's customer is one of ours":       linksAreExclusive,
		"an alert is raised once and closed":    alertsAreRaisedOnce,
		"a sealed card is replaced":             sealedCardIsReplaced,
		"history is appended":                   historyIsAppended,
	})
}

func everythingComesBack(t *testing.T, s Store) {
	c := Sample(project, "a")
	mustApply(t, s, c)
	CheckSample(t, s, c)
	leased, err := s.LeaseJobs(t.Context(), c.Jobs[0].LeaseUntil.Add(time.Hour), epoch.Add(2*time.Hour), 1)
	job := c.Jobs[0]
	job.LeaseUntil, job.Fence, job.Tries = epoch.Add(2*time.Hour), job.Fence+1, job.Tries+1
	wantValue(t, "job", leased, err, []payments.Job{job})
}

func emptyObjectsComeBack(t *testing.T, s Store) {
	c := payments.Change{
		Claim:       &payments.Claim{ClaimKey: payments.ClaimKey{ProjectID: project}},
		Customers:   []payments.Customer{{ProjectID: project, ID: "c", Version: 1}},
		Tokens:      []payments.Token{{ProjectID: project, ID: "t", Version: 1}},
		Cards:       []payments.Card{{ProjectID: project, ID: "k", Version: 1}},
		Invoices:    []payments.Invoice{{ProjectID: project, ID: "i", Version: 1}},
		Attempts:    []payments.Attempt{{ProjectID: project, ID: "a", Version: 1}},
		Refunds:     []payments.Refund{{ProjectID: project, ID: "r", Version: 1}},
		Transitions: []payments.Transition{{ProjectID: project}},
		Entries:     []payments.Entry{{ProjectID: project, AttemptID: "a"}},
		Events:      []payments.Event{{ProjectID: project, ID: "e"}},
		Jobs:        []payments.Job{{ProjectID: project}},
	}
	mustApply(t, s, payments.Change{})
	mustApply(t, s, c)
	ctx := t.Context()
	claim, err := s.Claim(ctx, c.Claim.ClaimKey)
	if len(claim.Fingerprint) == 0 {
		claim.Fingerprint = nil // none and an empty one are the same
	}
	wantValue(t, "claim", claim, err, *c.Claim)
	customer, err := s.Customer(ctx, project, "c")
	wantValue(t, "customer", customer, err, c.Customers[0])
	invoice, err := s.Invoice(ctx, project, "i")
	wantValue(t, "invoice", invoice, err, c.Invoices[0])
	attempt, err := s.Attempt(ctx, project, "a")
	wantValue(t, "attempt", attempt, err, c.Attempts[0])
	transitions, err := s.Transitions(ctx, project, "", "")
	wantValue(t, "transitions", transitions, err, c.Transitions)
	entries, err := s.Entries(ctx, project, "a")
	wantValue(t, "entries of a verification", entries, err, c.Entries)
	at, some, err := s.NextJobAt(ctx)
	wantValue(t, "next job", at, err, time.Time{})
	wantValue(t, "there is a job", some, nil, true)
	_, err = s.Payment(ctx, project, "i")
	wantError(t, "payment of an invoice without a transaction", err, payments.ErrNotFound)
}

func contextEnded(t *testing.T, s Store) {
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	wantError(t, "Apply after its context ended", s.Apply(ended, Sample(project, "a")), context.Canceled)
	_, err := s.Customer(t.Context(), project, "cust_a")
	wantError(t, "customer of a change that was not taken", err, payments.ErrNotFound)
	_, err = s.Customer(ended, project, "cust_a")
	wantError(t, "a read after its context ended", err, context.Canceled)
}

func unknownIsNotFound(t *testing.T, s Store) {
	wantNothing(t, s, project, Sample(project, "a"))
}

func projectsAreApart(t *testing.T, s Store) {
	c := Sample(project, "a")
	mustApply(t, s, c)
	wantNothing(t, s, other, c)
	mine, theirs := Sample(project, "b"), Sample(other, "b")
	mine.Customers[0].FirstName, theirs.Customers[0].FirstName = "mine", "theirs"
	mustApply(t, s, mine) // the same ids and keys in both
	mustApply(t, s, theirs)
	CheckSample(t, s, mine)
	CheckSample(t, s, theirs)
}

// wantNothing checks that nothing of a sample is in a project.
func wantNothing(t *testing.T, s Store, projectID string, c payments.Change) {
	t.Helper()
	ctx := t.Context()
	key := c.Claim.ClaimKey
	key.ProjectID = projectID
	reads := map[string]func() error{
		"claim":       func() error { _, err := s.Claim(ctx, key); return err },
		"customer":    func() error { _, err := s.Customer(ctx, projectID, c.Customers[0].ID); return err },
		"token":       func() error { _, err := s.Token(ctx, projectID, c.Tokens[0].ID); return err },
		"card":        func() error { _, err := s.Card(ctx, projectID, c.Cards[0].ID); return err },
		"sealed card": func() error { _, err := s.SealedCard(ctx, projectID, c.Cards[0].ID); return err },
		"invoice":     func() error { _, err := s.Invoice(ctx, projectID, c.Invoices[0].ID); return err },
		"transaction": func() error { _, err := s.Transaction(ctx, projectID, c.Transactions[0].ID); return err },
		"attempt":     func() error { _, err := s.Attempt(ctx, projectID, c.Attempts[0].ID); return err },
		"refund":      func() error { _, err := s.Refund(ctx, projectID, c.Refunds[0].ID); return err },
		"event":       func() error { _, err := s.Event(ctx, projectID, c.Events[0].ID); return err },
		"payment":     func() error { _, err := s.Payment(ctx, projectID, c.Invoices[0].ID); return err },
		"payment of transaction": func() error {
			_, err := s.PaymentOfTransaction(ctx, projectID, c.Transactions[0].ID)
			return err
		},
	}
	for what, read := range reads {
		wantError(t, what, read(), payments.ErrNotFound)
	}
	mappings, err := s.Mappings(ctx, projectID, c.Tokens[0].ID)
	wantValue(t, "mappings", mappings, err, nil)
	verifications, err := s.AttemptsOfToken(ctx, projectID, c.Tokens[0].ID)
	wantValue(t, "attempts of the token", verifications, err, nil)
	transitions, err := s.Transitions(ctx, projectID, c.Transitions[0].Subject, c.Transitions[0].SubjectID)
	wantValue(t, "transitions", transitions, err, nil)
	entries, err := s.Entries(ctx, projectID, c.Entries[0].TransactionID)
	wantValue(t, "entries", entries, err, nil)
	events, err := s.Events(ctx, projectID, payments.Page{Limit: 1})
	wantValue(t, "events", events, err, payments.List[payments.Event]{})
	tries, err := s.CardTries(ctx, projectID, c.CardTries[0].CardKey, time.Time{})
	wantValue(t, "tries with the card", tries, err, nil)
}

func deletedIsNotFound(t *testing.T, s Store) {
	c := Sample(project, "a")
	mustApply(t, s, c)
	ctx, now := t.Context(), epoch.Add(time.Hour)
	customer, token, card, invoice := c.Customers[0], c.Tokens[0], c.Cards[0], c.Invoices[0]
	customer.Version, token.Version, card.Version, invoice.Version = 2, 2, 2, 2
	customer.DeletedAt, token.DeletedAt, card.DeletedAt, invoice.DeletedAt = now, now, now, now
	mustApply(t, s, payments.Change{
		Customers: []payments.Customer{customer}, Tokens: []payments.Token{token}, Cards: []payments.Card{card},
		Invoices: []payments.Invoice{invoice}, ForgetSealed: []payments.CardKey{{ProjectID: project, CardID: card.ID}},
	})
	_, err := s.Customer(ctx, project, customer.ID)
	wantError(t, "deleted customer", err, payments.ErrNotFound)
	_, err = s.Token(ctx, project, token.ID)
	wantError(t, "deleted token", err, payments.ErrNotFound)
	_, err = s.Card(ctx, project, card.ID)
	wantError(t, "deleted card", err, payments.ErrNotFound)
	_, err = s.SealedCard(ctx, project, card.ID)
	wantError(t, "forgotten number", err, payments.ErrNotFound)
	_, err = s.Invoice(ctx, project, invoice.ID)
	wantError(t, "deleted invoice", err, payments.ErrNotFound)
	payment, err := s.Payment(ctx, project, invoice.ID)
	if err != nil || payment.Invoice.DeletedAt.IsZero() {
		t.Errorf("payment of a deleted invoice: %v, want it with the invoice's deletion", err)
	}
	again := c.Customers[0]
	wantError(t, "a new customer with the id of a deleted one",
		s.Apply(ctx, payments.Change{Customers: []payments.Customer{again}}), payments.ErrDuplicate)
}

// versioned is a kind of object that has versions: a change that writes one, where its version stands, and how it is read.
type versioned struct {
	change  payments.Change
	version *int64
	read    func(ctx context.Context, s Store) (any, error)
}

func versionedKinds() map[string]versioned {
	c := Sample(project, "a")
	return map[string]versioned{
		"customer": {
			payments.Change{Customers: c.Customers},
			&c.Customers[0].Version,
			func(ctx context.Context, s Store) (any, error) { return s.Customer(ctx, project, c.Customers[0].ID) },
		},
		"token": {
			payments.Change{Tokens: c.Tokens},
			&c.Tokens[0].Version,
			func(ctx context.Context, s Store) (any, error) { return s.Token(ctx, project, c.Tokens[0].ID) },
		},
		"card": {
			payments.Change{Cards: c.Cards},
			&c.Cards[0].Version,
			func(ctx context.Context, s Store) (any, error) { return s.Card(ctx, project, c.Cards[0].ID) },
		},
		"invoice": {
			payments.Change{Invoices: c.Invoices},
			&c.Invoices[0].Version,
			func(ctx context.Context, s Store) (any, error) { return s.Invoice(ctx, project, c.Invoices[0].ID) },
		},
		"transaction": {
			payments.Change{Transactions: c.Transactions},
			&c.Transactions[0].Version,
			func(ctx context.Context, s Store) (any, error) {
				return s.Transaction(ctx, project, c.Transactions[0].ID)
			},
		},
		"attempt": {
			payments.Change{Attempts: c.Attempts[:1]},
			&c.Attempts[0].Version,
			func(ctx context.Context, s Store) (any, error) { return s.Attempt(ctx, project, c.Attempts[0].ID) },
		},
		"refund": {
			payments.Change{Refunds: c.Refunds},
			&c.Refunds[0].Version,
			func(ctx context.Context, s Store) (any, error) { return s.Refund(ctx, project, c.Refunds[0].ID) },
		},
	}
}

func versions(t *testing.T, s Store) {
	steps := []struct {
		version int64
		want    error
		now     int64 // the version after the step; 0 is none
	}{
		{2, payments.ErrConflict, 0}, // there is no version 1 yet
		{1, nil, 1},
		{1, payments.ErrDuplicate, 1},
		{3, payments.ErrConflict, 1},
		{2, nil, 2},
		{2, payments.ErrConflict, 2},
		{1, payments.ErrDuplicate, 2},
		{3, nil, 3},
	}
	for name, kind := range versionedKinds() {
		for i, step := range steps {
			*kind.version = step.version
			if err := s.Apply(t.Context(), kind.change); !errors.Is(err, step.want) {
				t.Errorf("%s, step %d: write version %d: error %v, want %v", name, i, step.version, err, step.want)
			}
			object, err := kind.read(t.Context(), s)
			if got := reflect.ValueOf(object).FieldByName("Version").Int(); got != step.now || (err == nil) != (step.now > 0) {
				t.Errorf("%s, step %d: version %d (%v), want %d", name, i, got, err, step.now)
			}
		}
		for _, impossible := range []int64{0, -1} {
			*kind.version = impossible
			if err := s.Apply(t.Context(), kind.change); err == nil {
				t.Errorf("%s: version %d was written", name, impossible)
			}
		}
	}
}

func paymentInOrder(t *testing.T, s Store) {
	c := Sample(project, "m")
	attempt, refund := c.Attempts[0], c.Refunds[0]
	mustApply(t, s, c)
	want := &payments.Payment{Invoice: c.Invoices[0], Transaction: c.Transactions[0], Attempts: c.Attempts[:1], Refunds: c.Refunds}
	for _, id := range []string{"z", "a", "k"} { // not in the order of ids
		attempt.ID, refund.ID = id, id
		mustApply(t, s, payments.Change{Attempts: []payments.Attempt{attempt}, Refunds: []payments.Refund{refund}})
		want.Attempts, want.Refunds = append(slices.Clip(want.Attempts), attempt), append(want.Refunds, refund)
	}
	first := c.Attempts[0]
	first.Version, first.State = 2, payments.AttemptApproved
	mustApply(t, s, payments.Change{Attempts: []payments.Attempt{first}}) // a new version keeps its place
	want.Attempts[0] = first
	mustApply(t, s, Sample(project, "n")) // somebody else's
	got, err := s.Payment(t.Context(), project, c.Invoices[0].ID)
	wantValue(t, "payment", got, err, want)
}

func verificationsInOrder(t *testing.T, s Store) {
	c := Sample(project, "m")
	mustApply(t, s, c)
	attempt, want := c.Attempts[1], c.Attempts[1:]
	for _, id := range []string{"z", "a"} {
		attempt.ID = id
		mustApply(t, s, payments.Change{Attempts: []payments.Attempt{attempt}})
		want = append(want, attempt)
	}
	payment := c.Attempts[0]
	payment.ID, payment.TokenID = "b", c.Tokens[0].ID // a payment with the token is no verification
	mustApply(t, s, payments.Change{Attempts: []payments.Attempt{payment}})
	got, err := s.AttemptsOfToken(t.Context(), project, c.Tokens[0].ID)
	wantValue(t, "attempts of the token", got, err, want)
}

func mappingsArePut(t *testing.T, s Store) {
	m := Sample(project, "a").Mappings[0]
	var want []payments.Mapping
	for _, gateway := range []string{"gway_conf_a", "gway_conf_b", "gway_conf_c"} {
		m.GatewayConfigurationID = gateway
		want = append(want, m)
	}
	elsewhere := m
	elsewhere.TokenID = "tok_other"
	mustApply(t, s, payments.Change{Mappings: []payments.Mapping{want[2], want[0], elsewhere}})
	mustApply(t, s, payments.Change{Mappings: []payments.Mapping{want[1]}})
	want[0].Status, want[0].MethodRef = payments.MappingFailed, ""
	mustApply(t, s, payments.Change{Mappings: []payments.Mapping{want[0]}})
	got, err := s.Mappings(t.Context(), project, m.TokenID)
	wantValue(t, "mappings", got, err, want)
}

func mappingsOfMethod(t *testing.T, s Store) {
	m := Sample(project, "a").Mappings[0]
	m.MethodRef = "pm_1"
	twin, other, foreign, none := m, m, m, m
	twin.TokenID = "tok_b"
	other.TokenID, other.MethodRef = "tok_c", "pm_2"
	foreign.ProjectID = "test-proj_other"
	none.TokenID, none.MethodRef = "tok_d", ""
	mustApply(t, s, payments.Change{Mappings: []payments.Mapping{m, twin, other, foreign, none}})
	got, err := s.MappingsOfMethod(t.Context(), project, m.GatewayConfigurationID, "pm_1")
	wantValue(t, "mappings of the method", got, err, []payments.Mapping{m, twin})
	got, err = s.MappingsOfMethod(t.Context(), project, "gway_conf_other", "pm_1")
	wantValue(t, "mappings at another gateway configuration", got, err, nil)
	got, err = s.MappingsOfMethod(t.Context(), project, m.GatewayConfigurationID, "")
	wantValue(t, "mappings of no method", got, err, nil)
}

func linksAreExclusive(t *testing.T, s Store) {
	mine := Sample(project, "a").Links[0]
	theirs := mine
	theirs.CustomerID = "cust_b"
	mustApply(t, s, payments.Change{Links: []payments.CustomerLink{mine}})
	wantError(t, "another customer's link to the same", s.Apply(t.Context(), payments.Change{Links: []payments.CustomerLink{theirs}}), payments.ErrDuplicate)
	elsewhere := theirs
	elsewhere.GatewayConfigurationID = "gway_conf_z"
	mine.Ref = "cus_new"
	mustApply(t, s, payments.Change{Links: []payments.CustomerLink{mine, theirs, elsewhere}}) // the old one is free now
	got, err := s.Links(t.Context(), project, mine.CustomerID)
	wantValue(t, "links", got, err, []payments.CustomerLink{mine})
	mustApply(t, s, payments.Change{Unlinks: []payments.CustomerLink{theirs}})
	got, err = s.Links(t.Context(), project, theirs.CustomerID)
	wantValue(t, "links after one was cut", got, err, []payments.CustomerLink{elsewhere})
}

func alertsAreRaisedOnce(t *testing.T, s Store) {
	a := payments.NewAlert(payments.AlertReview, &payments.Attempt{ProjectID: project, ID: "tr_op_a", PSP: "paymongo"}, oddText, epoch)
	again, other := a, a
	again.Message = "again"
	other.ID = payments.AlertID(payments.AlertLate, "tr_op_a")
	mustApply(t, s, payments.Change{Alerts: []payments.Alert{a}})
	mustApply(t, s, payments.Change{Alerts: []payments.Alert{again, other}})
	got, err := s.Alerts(t.Context(), true, 10)
	wantValue(t, "open alerts", got, err, []payments.Alert{other, a})
	a.Version, a.ClosedAt, a.ClosedBy, a.ClosedBecause = 2, epoch, "ada", "asked the PSP"
	mustApply(t, s, payments.Change{Alerts: []payments.Alert{a}})
	wantError(t, "closing it twice", s.Apply(t.Context(), payments.Change{Alerts: []payments.Alert{a}}), payments.ErrConflict)
	got, err = s.Alerts(t.Context(), true, 10)
	wantValue(t, "open alerts after one was closed", got, err, []payments.Alert{other})
	got, err = s.Alerts(t.Context(), false, 1)
	wantValue(t, "the newest alert", got, err, []payments.Alert{other})
	one, err := s.Alert(t.Context(), a.ID)
	wantValue(t, "a closed alert", one, err, a)
	_, err = s.Alert(t.Context(), "none")
	wantError(t, "an unknown alert", err, payments.ErrNotFound)
}

func sealedCardIsReplaced(t *testing.T, s Store) {
	sealed := Sample(project, "a").SealedCards[0]
	mustApply(t, s, payments.Change{SealedCards: []payments.SealedCard{sealed}})
	wantError(t, "a second sealed card", s.Apply(t.Context(), payments.Change{SealedCards: []payments.SealedCard{sealed}}),
		payments.ErrDuplicate)
	sealed.KeyID, sealed.Wrapped = "newer key", []byte("wrapped anew")
	mustApply(t, s, payments.Change{
		ForgetSealed: []payments.CardKey{{ProjectID: project, CardID: sealed.CardID}},
		SealedCards:  []payments.SealedCard{sealed},
	})
	got, err := s.SealedCard(t.Context(), project, sealed.CardID)
	wantValue(t, "sealed card", got, err, sealed)
}

func historyIsAppended(t *testing.T, s Store) {
	step := payments.Transition{ProjectID: project, Subject: "transaction", SubjectID: "tr_a", Why: oddText}
	entry := payments.Entry{ProjectID: project, TransactionID: "tr_a", AttemptID: "tr_op_a", Kind: payments.EntryCaptured}
	var steps []payments.Transition
	var entries []payments.Entry
	for i := range 5 {
		step.From, step.To, step.At = step.To, "state", epoch.Add(time.Duration(5-i)*time.Second) // the clock may run back
		entry.Amount, entry.At = payments.Money{Minor: int64(i), Currency: "PHP"}, step.At
		steps, entries = append(steps, step, step), append(entries, entry, entry) // the same twice is two
		elsewhere, foreign := step, entry
		elsewhere.Subject, foreign.TransactionID = "attempt", "tr_b"
		mustApply(t, s, payments.Change{
			Transitions: []payments.Transition{step, elsewhere, step}, Entries: []payments.Entry{entry, foreign, entry},
		})
	}
	gotSteps, err := s.Transitions(t.Context(), project, "transaction", "tr_a")
	wantValue(t, "transitions", gotSteps, err, steps)
	gotEntries, err := s.Entries(t.Context(), project, "tr_a")
	wantValue(t, "entries", gotEntries, err, entries)
}
