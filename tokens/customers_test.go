package tokens_test

import (
	"slices"
	"strings"
	"testing"

	"switchyard/payments"
)

func TestDeleteToken(t *testing.T) {
	t.Parallel()
	b := setup(t)
	c := b.customer(t)
	card := b.card(t)
	token := b.token(t, c, card.ID, false)
	b.mapped(t, token, "gway_conf_po", "pm_1")
	b.mapped(t, token, "gway_conf_xe", "")
	if err := b.vault.HoldCVC(t.Context(), project, card.ID, cvc); err != nil {
		t.Fatal(err)
	}
	answer, err := b.Delete(t.Context(), project, c.ID, token.ID, &payments.ClaimRequest{Scope: "s", Key: "k"})
	if err != nil {
		t.Fatal(err)
	}
	if answer.Token.DeletedAt.IsZero() || answer.Customer.DefaultTokenID != "" {
		t.Errorf("answer %+v", answer)
	}
	if _, err := b.vault.Card(t.Context(), project, card.ID); payments.ErrorCode(err) != payments.CodeCardNotFound || len(b.store.sealed) != 0 || b.vault.HasCVC(t.Context(), project, card.ID) {
		t.Error("something of the card is left")
	}
	_, err = b.Token(t.Context(), project, c.ID, token.ID)
	wantCode(t, err, payments.CodeTokenNotFound)
	job := b.store.jobs[id{project, "forget:" + token.ID + ":gway_conf_po"}]
	if len(b.store.jobs) != 1 || job.Kind != payments.JobForget || job.SubjectID != token.ID || !job.RunAt.Equal(noon) ||
		string(job.Payload) != `{"gateway_configuration_id":"gway_conf_po","customer_ref":"cus_gway_conf_po","method_ref":"pm_1"}` {
		t.Errorf("jobs %+v", b.store.jobs)
	}
	if last := b.store.events[len(b.store.events)-1]; last.Name != payments.EventTokenDeleted || last.Snapshot.Token.ID != token.ID || last.Snapshot.Card.ID != card.ID {
		t.Errorf("event %+v", last)
	}
	_, err = b.Delete(t.Context(), project, c.ID, token.ID, nil)
	wantCode(t, err, payments.CodeTokenNotFound)
}

func TestDeletingAnotherTokenKeepsTheDefault(t *testing.T) {
	t.Parallel()
	b := setup(t)
	c := b.customer(t)
	first, second := b.token(t, c, "", false), b.token(t, c, "", true)
	if _, err := b.Delete(t.Context(), project, "", second.ID, nil); err != nil {
		t.Fatal(err)
	}
	if got, err := b.Customer(t.Context(), project, c.ID); err != nil || got.DefaultTokenID != first.ID {
		t.Errorf("customer %+v, %v", got, err)
	}
}

func TestDeleteCustomer(t *testing.T) {
	t.Parallel()
	b := setup(t)
	c := b.customer(t)
	const many = 230 // more than two steps
	token := b.token(t, c, b.card(t).ID, false)
	b.mapped(t, token, "gway_conf_po", "pm_1")
	for range many - 1 {
		b.token(t, c, "", false)
	}
	other := b.token(t, b.customer(t), "", false)
	answer, err := b.DeleteCustomer(t.Context(), project, c.ID, &payments.ClaimRequest{Scope: "s", Key: "k"})
	if err != nil {
		t.Fatal(err)
	}
	if answer.Customer.DeletedAt.IsZero() || len(b.store.claims) != 1 {
		t.Errorf("answer %+v", answer)
	}
	_, err = b.Customer(t.Context(), project, c.ID)
	wantCode(t, err, payments.CodeCustomerNotFound)
	list, err := b.store.TokensOf(t.Context(), project, c.ID, payments.Page{Limit: 100})
	if err != nil || len(list.Items) != 0 || len(b.store.sealed) != 0 || len(b.store.jobs) != 1 {
		t.Errorf("%d tokens are left, %d numbers, %d jobs, %v", len(list.Items), len(b.store.sealed), len(b.store.jobs), err)
	}
	names := b.store.names()
	if got := len(slices.DeleteFunc(slices.Clone(names), func(n string) bool { return n != payments.EventTokenDeleted })); got != many || names[len(names)-1] != payments.EventCustomerDeleted {
		t.Errorf("%d tokens were told of, last event %s", got, names[len(names)-1])
	}
	if _, err := b.Token(t.Context(), project, "", other.ID); err != nil {
		t.Errorf("another customer's token: %v", err)
	}
}

// A token that is made while its customer is being deleted must not stay behind.
func TestNoTokenOutlivesItsCustomer(t *testing.T) {
	t.Parallel()
	b := setup(t)
	c := b.customer(t)
	b.store.before = func() { b.token(t, c, b.card(t).ID, false) }
	if _, err := b.DeleteCustomer(t.Context(), project, c.ID, nil); err != nil {
		t.Fatal(err)
	}
	if len(b.store.sealed) != 0 {
		t.Error("the card of the late token is left")
	}

	c = b.customer(t)
	b.token(t, c, "", false)
	p, err := b.Create(t.Context(), b.request(c, "", false))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.DeleteCustomer(t.Context(), project, c.ID, nil); err != nil {
		t.Fatal(err)
	}
	_, err = b.Commit(t.Context(), p, nil)
	wantCode(t, err, payments.CodeCustomerNotFound)
}

func TestCustomers(t *testing.T) {
	t.Parallel()
	b := setup(t)
	c := b.customer(t)
	if !strings.HasPrefix(c.ID, payments.PrefixCustomer) || c.Version != 1 || !c.CreatedAt.Equal(noon) || b.store.events[0].Name != payments.EventCustomerCreated {
		t.Errorf("customer %+v", c)
	}
	for supplied, code := range map[string]string{
		"acme-42_X":             "",
		strings.Repeat("a", 64): "",
		strings.Repeat("a", 65): payments.CodeInvalidID,
		"a b":                   payments.CodeInvalidID,
		"ä":                     payments.CodeInvalidID,
		"card_1":                payments.CodeInvalidID,
		"tok_1":                 payments.CodeInvalidID,
		c.ID:                    payments.CodeInvalidID, // taken
	} {
		_, err := b.CreateCustomer(t.Context(), payments.Customer{ProjectID: project, ID: supplied}, nil)
		wantCode(t, err, code)
	}
}

func TestUpdateCustomer(t *testing.T) {
	t.Parallel()
	b := setup(t)
	c := b.customer(t)
	mine, theirs := b.token(t, c, "", false), b.token(t, b.customer(t), "", false)
	second := b.token(t, c, "", false)
	refusal := payments.NewError(payments.CodeInvalidName, "no")
	for _, tc := range []struct {
		name string
		edit func(*payments.Customer) error
		code string
	}{
		{"a name", func(c *payments.Customer) error { c.FirstName = "Grace"; return nil }, ""},
		{"identity stays", func(c *payments.Customer) error {
			c.ID, c.ProjectID, c.Version, c.Sandbox = "x", "y", 99, false
			return nil
		}, ""},
		{"a currency", func(c *payments.Customer) error { c.Currency = "PHP"; return nil }, ""},
		{"another currency", func(c *payments.Customer) error { c.Currency = "USD"; return nil }, payments.CodeInvalidCurrency},
		{"no currency", func(c *payments.Customer) error { c.Currency = ""; return nil }, payments.CodeInvalidCurrency},
		{"default token", func(c *payments.Customer) error { c.DefaultTokenID = second.ID; return nil }, ""},
		{"another's token", func(c *payments.Customer) error { c.DefaultTokenID = theirs.ID; return nil }, payments.CodeTokenNotFound},
		{"the edit refuses", func(*payments.Customer) error { return refusal }, payments.CodeInvalidName},
	} {
		_, err := b.UpdateCustomer(t.Context(), project, c.ID, tc.edit, nil)
		if payments.ErrorCode(err) != tc.code {
			t.Errorf("%s: %v", tc.name, err)
		}
	}
	got, err := b.Customer(t.Context(), project, c.ID)
	if err != nil || got.FirstName != "Grace" || got.Currency != "PHP" || got.DefaultTokenID != second.ID || !got.Sandbox || mine.ID == second.ID {
		t.Errorf("customer %+v, %v", got, err)
	}
	b.store.before = func() {
		if _, err := b.UpdateCustomer(t.Context(), project, c.ID, func(c *payments.Customer) error { c.Email = "a@example.com"; return nil }, nil); err != nil {
			t.Error(err)
		}
	}
	answer, err := b.UpdateCustomer(t.Context(), project, c.ID, func(c *payments.Customer) error { c.LastName = "Hopper"; return nil }, nil)
	if err != nil || answer.Customer.Email != "a@example.com" || answer.Customer.LastName != "Hopper" {
		t.Errorf("an update was lost: %+v, %v", answer.Customer, err)
	}
}
