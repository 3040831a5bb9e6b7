package tokens

import (
	"context"
	"errors"
	"strings"

	"switchyard/payments"
)

const (
	maxSuppliedID  = 64     // characters of a customer id that a merchant chooses
	deletedPerStep = 100    // tokens in one commit, when a customer is deleted
	maxDeleteSteps = 10_000 // a customer with more tokens than a million is refused
)

// CreateCustomer makes a customer, under the id that is given or a new one. Codes of its errors: CodeInvalidID, also when
// the id is taken. payments.ErrClaimed is returned as it is. The snapshot has the Customer.
func (s *Service) CreateCustomer(ctx context.Context, c payments.Customer, claim *payments.ClaimRequest) (payments.Snapshot, error) {
	if c.ID == "" {
		c.ID = payments.NewID(payments.PrefixCustomer)
	} else if !suppliedID(c.ID) {
		return payments.Snapshot{}, invalidID("A customer's id must have 1 to 64 characters, ASCII letters, digits, _ and -, and must not look like the id of a card, a token or a gateway configuration.")
	}
	c.Version = 1
	c.DefaultTokenID = ""
	c.CreatedAt = s.now().UTC()
	answer := payments.Snapshot{Customer: &c}
	err := s.write(ctx, payments.Change{
		Claim:     s.claim(c.ProjectID, claim, answer),
		Customers: []payments.Customer{c},
		Events:    []payments.Event{s.event(payments.EventCustomerCreated, c, nil, nil)},
	}, "create customer")
	if errors.Is(err, payments.ErrDuplicate) {
		return payments.Snapshot{}, invalidID("A customer with this id exists already, or has existed.")
	}
	if err != nil {
		return payments.Snapshot{}, err
	}
	return answer, nil
}

// suppliedID says whether a merchant may choose the id for a customer. A source is told apart by its prefix, so that a
// customer cannot have that of a card or a token.
func suppliedID(id string) bool {
	for _, prefix := range []string{payments.PrefixCard, payments.PrefixToken, payments.PrefixGateway} {
		if strings.HasPrefix(id, prefix) {
			return false
		}
	}
	for i := range len(id) {
		switch c := id[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '_', c == '-':
		default:
			return false
		}
	}
	return len(id) <= maxSuppliedID
}

func invalidID(message string) error {
	err := payments.NewError(payments.CodeInvalidID, message)
	err.Fields = []payments.FieldFault{{Name: "id", Message: message}}
	return err
}

// UpdateCustomer changes a customer. edit may run more than once, each time on a fresh copy; what it returns as an error
// is returned. It cannot change the id, the project, the sandbox flag and the times, nor a currency that is set
// (CodeInvalidCurrency); a default token must be one of the customer's (CodeTokenNotFound). The snapshot has the Customer.
func (s *Service) UpdateCustomer(ctx context.Context, projectID, id string, edit func(*payments.Customer) error, claim *payments.ClaimRequest) (payments.Snapshot, error) {
	return retried(func() (payments.Snapshot, error) {
		old, err := s.Customer(ctx, projectID, id)
		if err != nil {
			return payments.Snapshot{}, err
		}
		c := old
		if err := edit(&c); err != nil {
			return payments.Snapshot{}, err
		}
		c.ProjectID, c.ID, c.Version, c.Sandbox = old.ProjectID, old.ID, old.Version+1, old.Sandbox
		c.CreatedAt, c.DeletedAt = old.CreatedAt, old.DeletedAt
		if old.Currency != "" && c.Currency != old.Currency {
			return payments.Snapshot{}, payments.NewError(payments.CodeInvalidCurrency,
				"The customer's currency is set and cannot be changed any more.")
		}
		if c.DefaultTokenID != "" && c.DefaultTokenID != old.DefaultTokenID {
			if _, err := s.Token(ctx, projectID, id, c.DefaultTokenID); err != nil {
				return payments.Snapshot{}, err
			}
		}
		answer := payments.Snapshot{Customer: &c}
		err = s.write(ctx, payments.Change{
			Claim:     s.claim(projectID, claim, answer),
			Customers: []payments.Customer{c},
			Events:    []payments.Event{s.event(payments.EventCustomerUpdated, c, nil, nil)},
		}, "update customer")
		if err != nil {
			return payments.Snapshot{}, err
		}
		return answer, nil
	})
}

// DeleteCustomer deletes a customer with all tokens. Tokens go in steps of a hundred, the last of them in one commit with
// the customer, so that a crash in between leaves a customer that can be deleted again. The snapshot has the Customer.
func (s *Service) DeleteCustomer(ctx context.Context, projectID, id string, claim *payments.ClaimRequest) (payments.Snapshot, error) {
	for range maxDeleteSteps {
		more := false
		answer, err := retried(func() (payments.Snapshot, error) {
			var (
				answer payments.Snapshot
				err    error
			)
			answer, more, err = s.deleteStep(ctx, projectID, id, claim)
			return answer, err
		})
		if err != nil || !more {
			return answer, err
		}
	}
	return payments.Snapshot{}, payments.NewError(payments.CodeTooMuch, "The customer has too many tokens. Delete some of them first.")
}

// deleteStep deletes up to deletedPerStep tokens, and the customer too when no more are left. Making a token writes its
// customer as well: a token made while this runs is a conflict here or finds no customer there, and never stays behind.
func (s *Service) deleteStep(ctx context.Context, projectID, id string, claim *payments.ClaimRequest) (payments.Snapshot, bool, error) {
	c, err := s.Customer(ctx, projectID, id)
	if err != nil {
		return payments.Snapshot{}, false, err
	}
	list, err := s.store.TokensOf(ctx, projectID, id, payments.Page{Limit: deletedPerStep})
	if err != nil {
		return payments.Snapshot{}, false, err
	}
	c.Version++
	c.DefaultTokenID = ""
	var d deletion
	for _, t := range list.Items {
		if err := s.addDeletion(ctx, &d, c, t); err != nil {
			return payments.Snapshot{}, false, err
		}
	}
	answer := payments.Snapshot{Customer: &c}
	if !list.HasMore {
		c.DeletedAt = s.now().UTC()
		d.change.Claim = s.claim(projectID, claim, answer)
		d.change.Events = append(d.change.Events, s.event(payments.EventCustomerDeleted, c, nil, nil))
		if err := s.forgetCustomer(ctx, &d, c); err != nil {
			return payments.Snapshot{}, false, err
		}
	}
	d.change.Customers = []payments.Customer{c}
	if err := s.applyDeletion(ctx, d); err != nil {
		return payments.Snapshot{}, false, err
	}
	return answer, list.HasMore, nil
}
