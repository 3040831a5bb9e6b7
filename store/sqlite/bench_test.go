package sqlite

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"switchyard/payments"
)

// intent is what an authorize writes before it calls the PSP: the first of its two durable commits.
func intent(caller int, version int64, at time.Time) payments.Change {
	id := fmt.Sprintf("%d_%d", caller, version)
	transaction := payments.Transaction{
		ProjectID: project, ID: fmt.Sprint("tr_", caller), InvoiceID: fmt.Sprint("iv_", caller), Version: version,
		Status: payments.StatusPending, Name: "Order 1234", Currency: "PHP", Amount: 12_345, CreatedAt: at,
	}
	if version == 1 {
		return payments.Change{Transactions: []payments.Transaction{transaction}}
	}
	attempt := payments.Attempt{
		ProjectID: project, ID: "tr_op_" + id, Reference: id, Version: 1, TransactionID: transaction.ID,
		InvoiceID: transaction.InvoiceID, Operation: payments.OpSale, State: payments.AttemptSent,
		GatewayConfigurationID: "gway_conf_a", PSP: "paymongo", Amount: payments.Money{Minor: 12_345, Currency: "PHP"},
		Decision: &payments.Decision{ConfigVersion: "sha256:0123456789abcdef", Rule: "default", Candidates: []payments.Candidate{
			{GatewayConfigurationID: "gway_conf_a", PSP: "paymongo", Verdict: payments.Chosen, Reason: "First in the list, and healthy."},
			{GatewayConfigurationID: "gway_conf_b", PSP: "xendit", Verdict: payments.Fallback, Reason: "Second in the list."},
			{GatewayConfigurationID: "gway_conf_c", PSP: "dojo", Verdict: payments.Excluded, Reason: "It does not take PHP."},
		}},
		SentAt: at,
	}
	step := payments.Transition{ProjectID: project, From: "waiting", To: "pending", Why: "An authorize was asked for.", At: at}
	step.Subject, step.SubjectID = "transaction", transaction.ID
	sent := step
	sent.Subject, sent.SubjectID = "attempt", attempt.ID
	return payments.Change{
		Claim: &payments.Claim{
			ClaimKey:    payments.ClaimKey{ProjectID: project, Scope: "private POST /invoices/iv/capture", Key: id},
			Fingerprint: make([]byte, 32), AttemptID: attempt.ID, CreatedAt: at,
		},
		Transactions: []payments.Transaction{transaction},
		Attempts:     []payments.Attempt{attempt},
		Transitions:  []payments.Transition{step, sent},
		Jobs:         []payments.Job{{ProjectID: project, Key: "ask/" + id, Kind: payments.JobAsk, SubjectID: attempt.ID, RunAt: at, CreatedAt: at}},
	}
}

func BenchmarkApply(b *testing.B) {
	for _, callers := range []int{1, 16, 64} {
		b.Run(fmt.Sprintf("callers=%d", callers), func(b *testing.B) {
			s := openStore(b, Options{Path: b.TempDir()})
			at := time.Now()
			for caller := range callers {
				mustApply(b, s, intent(caller, 1, at))
			}
			before := s.Stats()
			b.ReportAllocs()
			b.ResetTimer()
			var done atomic.Int64
			var group sync.WaitGroup
			for caller := range callers {
				group.Go(func() {
					for version := int64(2); done.Add(1) <= int64(b.N); version++ {
						if err := s.Apply(b.Context(), intent(caller, version, at)); err != nil {
							b.Errorf("Apply: %v", err)
							return
						}
					}
				})
			}
			group.Wait()
			b.ReportMetric(float64(s.Stats().Commits-before.Commits)/float64(b.N), "commits/op")
		})
	}
}

func BenchmarkPayment(b *testing.B) {
	s := openStore(b, Options{Path: b.TempDir()})
	mustApply(b, s, payments.Change{Invoices: []payments.Invoice{{ProjectID: project, ID: "iv_0", Version: 1, TransactionID: "tr_0"}}})
	for version := range int64(3) {
		mustApply(b, s, intent(0, version+1, time.Now()))
	}
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := s.Payment(b.Context(), project, "iv_0"); err != nil {
				b.Fatal(err)
			}
		}
	})
}
