package xendit

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"switchyard/sims/psp"
)

// The sizes of a page.
const defaultPage, maxPage = 10, 50

// feePerMille is the fee of a card payment.
const feePerMille = 29

// listTransactions lists money that moved or failed to, newest first. A hold is not money that moved: it shows once
// it is captured, and never if it is voided.
func (s *Sim) listTransactions(r *psp.Request, _ []string, _ psp.Orders) psp.Answer {
	reference := r.Query.Get("reference_id")
	among := s.order
	if reference != "" {
		among = s.byReference[reference]
	}
	rows := []psp.Object{}
	for _, id := range slices.Backward(among) {
		rq, found := s.seen(id)
		if !found {
			continue
		}
		for _, row := range rq.transactions() {
			if (reference == "" || row["reference_id"] == reference) && wanted(r, row) {
				rows = append(rows, row)
			}
		}
	}
	newestFirst(rows)
	rows, more := cut(r, rows)
	return psp.JSON(http.StatusOK, psp.Object{"data": rows, "has_more": more, "links": []any{}})
}

// newestFirst sorts rows by the time that they show. Those of one moment stay as they are.
func newestFirst(rows []psp.Object) {
	slices.SortStableFunc(rows, func(a, b psp.Object) int {
		newer, _ := b["created"].(string)
		older, _ := a["created"].(string)
		return strings.Compare(newer, older)
	})
}

// cut is the page of rows that limit, after_id and before_id ask for, and whether there are more.
func cut(r *psp.Request, rows []psp.Object) (page []psp.Object, more bool) {
	at := func(id string) int { return slices.IndexFunc(rows, func(o psp.Object) bool { return o["id"] == id }) }
	if i := at(r.Query.Get("after_id")); i >= 0 {
		rows = rows[i+1:]
	}
	limit := pageSize(r)
	if i := at(r.Query.Get("before_id")); i >= 0 {
		rows = rows[max(0, i-limit):i]
	}
	return rows[:min(limit, len(rows))], len(rows) > limit
}

func (s *Sim) getTransaction(_ *psp.Request, ids []string, _ psp.Orders) psp.Answer {
	for _, id := range slices.Backward(s.order) {
		rq, found := s.seen(id)
		if !found {
			continue
		}
		for _, row := range rq.transactions() {
			if row["id"] == ids[0] {
				return psp.JSON(http.StatusOK, row)
			}
		}
	}
	return notFound("Transaction")
}

// transactions are the request's rows in the list, newest first.
func (rq *request) transactions() []psp.Object {
	var rows []psp.Object
	for _, made := range slices.Backward(rq.refunds) {
		status := "SUCCESS"
		if made.failure != "" {
			status = "FAILED"
		}
		row := rq.transaction(made.transaction, made.id, "REFUND", status, made.reference, made.amount, made.created)
		row["cashflow"] = "MONEY_OUT"
		rows = append(rows, row)
	}
	switch rq.status {
	case statusSucceeded:
		rows = append(rows, rq.transaction(rq.payment.transaction, rq.payment.id, "PAYMENT", "SUCCESS", rq.reference, rq.captured(), rq.payment.created))
	case statusFailed:
		rows = append(rows, rq.transaction(rq.payment.transaction, rq.payment.id, "PAYMENT", "FAILED", rq.reference, rq.amount, rq.payment.created))
	}
	return rows
}

func (rq *request) transaction(id, product, kind, status, reference string, amount int64, created string) psp.Object {
	var fee int64
	if kind == "PAYMENT" && status == "SUCCESS" {
		fee = amount * feePerMille / 1000
	}
	if rq.currency == "IDR" {
		fee -= fee % 100 // whole rupiah, though ISO 4217 has cents
	}
	return psp.Object{
		"id": id, "product_id": product, "type": kind, "status": status, "channel_category": "CARDS",
		"channel_code": rq.card.network(), "account_identifier": rq.card.masked,
		"reference_id": orNull(reference), "currency": rq.currency, "amount": number(amount, rq.currency),
		"cashflow": "MONEY_IN", "settlement_status": "PENDING", "estimated_settlement_time": nil, "business_id": businessID,
		"fee": psp.Object{
			"xendit_fee": number(fee, rq.currency), "value_added_tax": 0, "xendit_withholding_tax": 0,
			"third_party_withholding_tax": 0, "status": "COMPLETED",
		},
		"created": created, "updated": created,
	}
}

// wanted says whether a row passes the filters of the query.
func wanted(r *psp.Request, row psp.Object) bool {
	for parameter, field := range map[string]string{
		"types": "type", "statuses": "status", "channel_categories": "channel_category", "currency": "currency", "product_id": "product_id",
	} {
		allowed := append(slices.Clone(r.Query[parameter]), r.Query[parameter+"[]"]...)
		allowed = strings.FieldsFunc(strings.Join(allowed, ","), func(c rune) bool { return c == ',' })
		value, _ := row[field].(string)
		if len(allowed) > 0 && !slices.Contains(allowed, value) {
			return false
		}
	}
	return true
}

func pageSize(r *psp.Request) int {
	limit, err := strconv.Atoi(r.Query.Get("limit"))
	if err != nil || limit < 1 {
		return defaultPage
	}
	return min(limit, maxPage)
}
