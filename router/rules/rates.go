package rules

import (
	"slices"

	"switchyard/payments"
)

// Into lists the currencies whose amounts can be converted into another one, that one included, in the order of their codes.
func (r *Rates) Into(to payments.Currency) []payments.Currency {
	list := []payments.Currency{to}
	if all := r.currencies(); slices.Contains(all, to) {
		list = all
	}
	slices.Sort(list)
	return list
}
