package pivot

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"switchyard/payments"
)

const postToken = "POST " + tokenPath

// lookup asks about a sale by its session.
func lookup(ctx context.Context, a *adapter) error {
	_, err := a.Lookup(ctx, payments.LookupRequest{
		Operation: payments.OpSale, Reference: fakeReference, Refs: payments.ProviderRefs{Session: fakeSession}, Amount: fakeAmount,
	})
	return err
}

func tokenAnswer(n int, expires string) string {
	return `{"code":"00","data":{"accessToken":"token-` + strconv.Itoa(n) + `-abcdefgh","expiresIn":` + expires + `,"tokenType":"Bearer"}}`
}

// numberedTokens makes every token another one.
func numberedTokens(fake *fakePivot, expires string) *atomic.Int64 {
	var count atomic.Int64
	fake.when(postToken, func(sent) (int, string) { return 200, tokenAnswer(int(count.Add(1)), expires) })
	return &count
}

func TestTokenIsRenewedBeforeItExpires(t *testing.T) {
	t.Parallel()
	for expires, life := range map[string]time.Duration{
		`"900"`: 14 * time.Minute, `900`: 14 * time.Minute, `""`: 14 * time.Minute, `null`: 14 * time.Minute, `"soon"`: 14 * time.Minute,
		`"0"`: 14 * time.Minute, `"-5"`: 14 * time.Minute, `"3600"`: 59 * time.Minute, `"60"`: 30 * time.Second,
		`"99999999999999"`: 14 * time.Minute, `"4294967295"`: 24*time.Hour - time.Minute,
	} {
		fake, a := newFake(t, nil)
		fake.on(getSession, 200, sessionAnswer(statusPaid, ""))
		asked := numberedTokens(fake, expires)
		for _, step := range []struct {
			pass time.Duration
			want int64
		}{{0, 1}, {life - time.Second, 1}, {time.Second, 2}, {life - time.Second, 2}, {time.Second, 3}} {
			fake.pass(step.pass)
			if err := lookup(t.Context(), a); err != nil {
				t.Fatal(err)
			}
			if got := asked.Load(); got != step.want {
				t.Errorf("expires %s: %d tokens after %s more, want %d", expires, got, step.pass, step.want)
			}
		}
	}
}

// TestTokenIsAskedForOnce has many calls wait for one token.
func TestTokenIsAskedForOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		fake, a := newFake(t, nil)
		fake.on(getSession, 200, sessionAnswer(statusPaid, ""))
		answer := make(chan struct{})
		fake.when(postToken, func(sent) (int, string) {
			<-answer
			return 200, tokenAnswer(1, `"900"`)
		})
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() {
				if err := lookup(context.Background(), a); err != nil {
					t.Error(err)
				}
			})
		}
		impatient, cancel := context.WithCancel(context.Background())
		wg.Go(func() {
			if f := payments.AsFault(lookup(impatient, a)); f == nil || f.Kind != payments.NeverSent {
				t.Errorf("a call that gave up waiting: %v", f)
			}
		})
		synctest.Wait()
		if got := len(fake.made(postToken)); got != 1 {
			t.Errorf("%d tokens were asked for at once", got)
		}
		cancel()
		synctest.Wait()
		close(answer)
		wg.Wait()
		if got := len(fake.made(getSession)); got != 20 {
			t.Errorf("%d questions were put, want 20", got)
		}
	})
}

// TestTokenSurvivesACallerWhoGivesUp: the one who asks leaves, and one of those who wait asks in its place.
func TestTokenSurvivesACallerWhoGivesUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		fake, a := newFake(t, nil)
		fake.on(getSession, 200, sessionAnswer(statusPaid, ""))
		ctx, cancel := context.WithCancel(context.Background())
		first := make(chan struct{})
		fake.when(postToken, func(sent) (int, string) {
			select {
			case <-first:
			default:
				close(first)
				<-ctx.Done()
			}
			return 200, tokenAnswer(1, `"900"`)
		})
		var wg sync.WaitGroup
		wg.Go(func() {
			if lookup(ctx, a) == nil {
				t.Error("the call that gave up has an answer")
			}
		})
		<-first
		wg.Go(func() {
			if err := lookup(context.Background(), a); err != nil {
				t.Errorf("the call that waited: %v", err)
			}
		})
		synctest.Wait()
		cancel()
		wg.Wait()
	})
}

// TestTokenFaultsAreShared: while Pivot is down, those who wait do not ask one after the other.
func TestTokenFaultsAreShared(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		fake, a := newFake(t, nil)
		answer := make(chan struct{})
		fake.when(postToken, func(sent) (int, string) {
			<-answer
			return 503, ""
		})
		var wg sync.WaitGroup
		for range 5 {
			wg.Go(func() {
				if f := payments.AsFault(lookup(context.Background(), a)); f == nil || f.Kind != payments.NeverSent {
					t.Errorf("without a token: %v", f)
				}
			})
		}
		synctest.Wait()
		close(answer)
		wg.Wait()
		if got := len(fake.made(postToken)); got != 1 {
			t.Errorf("%d tokens were asked for", got)
		}
	})
}

// refusing makes Pivot refuse the tokens that are not named, and returns the saved card's sale.
func refusing(fake *fakePivot, good ...string) {
	fake.when(postSessions, func(s sent) (int, string) {
		for _, token := range good {
			if s.header.Get("Authorization") == "Bearer "+token {
				return 200, sessionAnswer(statusPaid, "")
			}
		}
		return 401, `{"code":"credentials_invalid","message":"expired"}`
	})
}

func savedSale() payments.AuthorizeRequest {
	return payments.AuthorizeRequest{
		Reference: fakeReference, Amount: fakeAmount, Capture: true, ReturnURL: "https://shop.test/return",
		Source: payments.Source{Method: "tok_1", CVC: payments.NewSecret("917")}, Payer: payments.Payer{CustomerRef: "cus-1"},
	}
}

// TestExpiredTokenIsRenewedOnce: a charge that was refused for its token is sent once more, word for word.
func TestExpiredTokenIsRenewedOnce(t *testing.T) {
	t.Parallel()
	fake, a := newFake(t, nil)
	numberedTokens(fake, `"900"`)
	refusing(fake, "token-1-abcdefgh")
	if o, err := a.Authorize(t.Context(), savedSale()); err != nil || o.Status != payments.Approved {
		t.Fatalf("%v, %v", o.Status, err)
	}
	fake.pass(5 * time.Minute)
	refusing(fake, "token-2-abcdefgh") // the first was taken back early
	if o, err := a.Authorize(t.Context(), savedSale()); err != nil || o.Status != payments.Approved {
		t.Fatalf("%v, %v", o.Status, err)
	}
	calls := fake.made(postSessions)
	if len(calls) != 3 || calls[1].raw != calls[2].raw || calls[1].header.Get("X-Request-Id") != calls[2].header.Get("X-Request-Id") {
		t.Errorf("%d calls, or the repeated one differs", len(calls))
	}
	if got := len(fake.made(postToken)); got != 2 {
		t.Errorf("%d tokens were asked for, want 2", got)
	}
}

// TestTokenThatIsRefusedAgain: the second refusal is about the account.
func TestTokenThatIsRefusedAgain(t *testing.T) {
	t.Parallel()
	fake, a := newFake(t, nil)
	numberedTokens(fake, `"900"`)
	refusing(fake, "token-1-abcdefgh")
	if _, err := a.Authorize(t.Context(), savedSale()); err != nil {
		t.Fatal(err)
	}
	fake.pass(5 * time.Minute)
	refusing(fake)
	_, err := a.Authorize(t.Context(), savedSale())
	if f := payments.AsFault(err); f == nil || f.Kind != payments.Misconfigured || f.Code != payments.GatewayInvalidCredentials {
		t.Errorf("%v, want a misconfigured account", err)
	}
	if got := len(fake.made(postSessions)); got != 3 {
		t.Errorf("%d charging calls in all, want 3", got)
	}
	// The refused token is not used again.
	refusing(fake, "token-3-abcdefgh")
	if _, err := a.Authorize(t.Context(), savedSale()); err != nil {
		t.Error(err)
	}
}

// TestNoTokenAfterARefusal: the charge was refused, and without a new token it is not sent again.
func TestNoTokenAfterARefusal(t *testing.T) {
	t.Parallel()
	fake, a := newFake(t, nil)
	refusing(fake, "token-1-abcdefgh")
	if _, err := a.Authorize(t.Context(), savedSale()); err != nil {
		t.Fatal(err)
	}
	fake.pass(5 * time.Minute)
	refusing(fake)
	fake.on(postToken, 500, "")
	_, err := a.Authorize(t.Context(), savedSale())
	if f := payments.AsFault(err); f == nil || f.Kind != payments.NeverSent {
		t.Errorf("%v, want a call that was never sent", err)
	}
}

func TestTokenNeverShows(t *testing.T) {
	t.Parallel()
	fake, a := newFake(t, nil)
	fake.when(getSession, func(s sent) (int, string) {
		return 400, `{"code":"api_validation_error","message":"` + s.header.Get("Authorization") + `"}`
	})
	err := lookup(t.Context(), a)
	f, ok := errors.AsType[*payments.Fault](err)
	if !ok || strings.Contains(f.RawMessage+f.Error(), "token-1") {
		t.Errorf("%v, %q", err, f.RawMessage)
	}
}
