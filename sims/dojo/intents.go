package dojo

import (
	"encoding/json"
	"net/http"
	"slices"
	"time"

	"switchyard/sims/psp"
	"switchyard/sims/shown"
)

// The statuses of an intent. None says "declined": a declined intent stays as it was created.
const (
	statusCreated    = "Created"
	statusAuthorized = "Authorized"
	statusCaptured   = "Captured"
	statusReversed   = "Reversed"
	statusRefunded   = "Refunded"
	statusCanceled   = "Canceled"
)

const (
	captureAuto, captureManual = "Auto", "Manual"
	intentPrefix               = "pi_sandbox_"
	methodPrefix               = "pm_"
	// intentLives is how long an intent waits for its payer, unless it says otherwise.
	intentLives  = 30 * 24 * time.Hour
	sessionLives = 30 * time.Minute
	// An authorized intent is captured or released by itself within these limits.
	minAuto, maxAuto = 30 * time.Second, 7 * 24 * time.Hour
)

// intent is a payment intent with all that hangs on it.
type intent struct {
	id, status, sessionSecret         string
	in                                intentInput
	sessionExpires, expires           time.Time
	created, updated                  time.Time
	total                             int64
	captured                          int64
	captures                          []capture
	refunds                           []refund
	events                            []event
	charge, authCode, message, method string // charge is the id of the transaction, once there is one
	chargedAt                         time.Time
	card                              card
	// challenge is the 3-D Secure page's address while that is open, pending what it is about.
	challenge string
	pending   attempt
}

// attempt is a card that is to pay.
type attempt struct {
	card   card
	method string // of a saved card
	save   bool
}

type intentInput struct {
	shared
	Amount           *money          `json:"amount"`
	Tips             *money          `json:"tipsAmount"`
	Cashback         *money          `json:"cashbackAmount"`
	Service          *money          `json:"serviceChargeAmount"`
	Customer         *intentCustomer `json:"customer"`
	NotPresent       bool            `json:"cardHolderNotPresent"`
	Security         *device         `json:"requestSecurity"`
	Items            []itemLine      `json:"itemLines"`
	Taxes            []taxLine       `json:"taxLines"`
	ActionLink       json.RawMessage `json:"actionLink"`
	AutoExpireIn     string          `json:"autoExpireIn"`
	AutoExpireAction string          `json:"autoExpireAction"`
	Setup            string          `json:"setupIntentId"`
	RemoteToken      bool            `json:"generateRemoteToken"`
}

// device is what the payer's browser tells of itself.
type device struct {
	UserAgent string `json:"userAgent"`
	IPAddress string `json:"ipAddress"`
	Device    string `json:"device"`
}

type intentCustomer struct {
	ID      string `json:"id"`
	Email   string `json:"emailAddress"`
	Phone   string `json:"phoneNumber"`
	Secret  string `json:"secret"`
	SavedID string `json:"savedCardId"`
}

type itemLine struct {
	ID        string          `json:"id,omitempty"`
	Quantity  int32           `json:"quantity,omitempty"`
	Name      string          `json:"name,omitempty"`
	Category  string          `json:"category,omitempty"`
	Modifiers json.RawMessage `json:"modifiers,omitempty"`
	Total     *money          `json:"amountTotal"`
	PLU       string          `json:"plu,omitempty"`
}

type taxLine struct {
	ID         string `json:"id,omitempty"`
	Caption    string `json:"caption,omitempty"`
	SubCaption string `json:"subCaption,omitempty"`
	Total      *money `json:"amountTotal"`
	PLU        string `json:"affectedPlu,omitempty"`
}

func (s *Sim) createIntent(r *psp.Request, _ []string, _ psp.Orders) psp.Answer {
	in := intentInput{shared: shared{CaptureMode: captureAuto, Methods: []string{methodCard, methodWallet}}}
	if bad := decode(r.Body, &in); bad != nil {
		return *bad
	}
	for _, check := range []func() *psp.Answer{in.check, in.checkAmounts, in.checkAuto, in.checkPayer} {
		if bad := check(); bad != nil {
			return *bad
		}
	}
	if bad := s.checkParties(&in); bad != nil {
		return *bad
	}
	at := now()
	pi := intent{
		id: s.newID(intentPrefix), status: statusCreated, in: in, expires: in.expiry(), created: at, updated: at,
		total: in.Amount.Value + in.Tips.value() + in.Cashback.value() + in.Service.value(),
	}
	s.refresh(&pi)
	s.intents[pi.id] = shown.New(pi, 0)
	s.order = append(s.order, pi.id)
	return psp.JSON(http.StatusOK, s.resource(&pi))
}

func (in *intentInput) checkAmounts() *psp.Answer {
	if in.Amount == nil {
		return refused("Amount", "The amount is required.")
	}
	for _, bad := range []*psp.Answer{
		in.Amount.check("Amount", 1), in.Tips.check("TipsAmount", 0), in.Cashback.check("CashbackAmount", 0),
		in.Service.check("ServiceChargeAmount", 0),
	} {
		if bad != nil {
			return bad
		}
	}
	for _, other := range []*money{in.Tips, in.Cashback, in.Service} {
		if other != nil && other.Currency != in.Amount.Currency {
			return refused("Amount.CurrencyCode", "All amounts must be in one currency.")
		}
	}
	for _, item := range in.Items {
		if item.Total == nil || tooLong(item.ID, 60) || tooLong(item.Name, 100) {
			return refused("ItemLines", "An item needs amountTotal, and its id and name have limits.")
		}
	}
	for _, tax := range in.Taxes {
		if tax.Total == nil || tooLong(tax.ID, 60) || tooLong(tax.Caption, 100) {
			return refused("TaxLines", "A tax needs amountTotal, and its id and caption have limits.")
		}
	}
	return nil
}

// checkAuto checks what happens to a hold that nobody captures.
func (in *intentInput) checkAuto() *psp.Answer {
	if in.AutoExpireAction != "" && in.AutoExpireAction != "Release" && in.AutoExpireAction != "Capture" {
		return refused("AutoExpireAction", "The action must be Release or Capture.")
	}
	if in.CaptureMode == captureManual && in.AutoExpireAction == "" {
		return refused("AutoExpireAction", "The action is required when the capture mode is Manual.")
	}
	if in.AutoExpireIn == "" {
		return nil
	}
	if span, ok := timespan(in.AutoExpireIn); !ok || span <= minAuto || span >= maxAuto {
		return refused("AutoExpireIn", "The value must be dd.hh:MM:ss, over 30 seconds and under 7 days.")
	}
	return nil
}

// checkPayer checks what is told of the payer.
func (in *intentInput) checkPayer() *psp.Answer {
	c, d := in.Customer, in.Security
	switch {
	case c != nil && tooLong(c.Email, maxEmail):
		return refused("Customer.EmailAddress", "The address may have up to 254 characters.")
	case c != nil && tooLong(c.Phone, maxPhone):
		return refused("Customer.PhoneNumber", "The number may have up to 50 characters.")
	case d != nil && (tooLong(d.UserAgent, 300) || tooLong(d.IPAddress, 70) || tooLong(d.Device, 120)):
		return refused("RequestSecurity", "The userAgent, the ipAddress and the device have limits.")
	}
	return nil
}

// checkParties checks the customer and the setup intent that an intent names.
func (s *Sim) checkParties(in *intentInput) *psp.Answer {
	c := in.Customer
	saves := slices.Contains(in.Methods, methodSaved)
	switch {
	case saves && (c == nil || c.ID == "" || c.Secret == ""):
		return refused("Customer", "SavedCard needs the customer's id and secret.")
	case c != nil && c.ID != "" && s.customers[c.ID] == nil:
		return refused("Customer.Id", "The customer was not found.")
	case c != nil && c.Secret != "" && !s.opens(c.Secret, c.ID):
		return refused("Customer.Secret", "The secret is not the customer's, or has expired.")
	case c != nil && c.SavedID != "" && (!saves || s.customers[c.ID].at(c.SavedID) < 0):
		return refused("Customer.SavedCardId", "The customer has no such saved card, or SavedCard is not a payment method.")
	case in.Setup == "":
		return nil
	}
	if rec, known := s.liveSetup(in.Setup); !known || !rec.Live.chargeable() {
		return refused("SetupIntentId", "The setup intent is not authorized.")
	}
	return nil
}

// refresh gives an intent a new secret for its payer's client.
func (s *Sim) refresh(pi *intent) {
	pi.sessionSecret = s.deps.Random.Alphanumeric(secretLength)
	pi.sessionExpires = now().Add(sessionLives)
}

func (s *Sim) refreshIntent(_ *psp.Request, ids []string, _ psp.Orders) psp.Answer {
	rec, known := s.live(ids[0])
	switch {
	case !known:
		return notFound("The payment intent was not found.")
	case rec.Live.status != statusCreated:
		return badRequest("The payment intent is " + rec.Live.status + ".")
	}
	s.refresh(&rec.Live)
	return psp.JSON(http.StatusOK, s.resource(&rec.Live))
}

// expire ends an intent that nobody has paid in time.
func (pi *intent) expire() {
	if pi.status == statusCreated && !time.Now().Before(pi.expires) {
		pi.set(statusCanceled)
	}
}

// live finds an intent as it is.
func (s *Sim) live(id string) (*shown.Record[intent], bool) {
	rec, known := s.intents[id]
	if known {
		rec.Live.expire()
	}
	return rec, known
}

// seen finds an intent as look-ups show it.
func (s *Sim) seen(id string) (*intent, bool) {
	rec, known := s.live(id)
	if !known {
		return nil, false
	}
	pi, found := rec.View()
	pi.expire() // what is shown may be older than what is
	return &pi, found
}

// getIntent answers 404 for a canceled intent, unless it is asked for in so many words.
func (s *Sim) getIntent(r *psp.Request, ids []string, _ psp.Orders) psp.Answer {
	pi, found := s.seen(ids[0])
	if !found || pi.status == statusCanceled && r.Query.Get("returnCanceled") != "true" {
		return notFound("The payment intent was not found.")
	}
	return psp.JSON(http.StatusOK, s.resource(pi))
}

// deleteIntent is the fence of an intent that is not charged. What is charged, held included, is refused.
func (s *Sim) deleteIntent(_ *psp.Request, ids []string, o psp.Orders) psp.Answer {
	rec, known := s.live(ids[0])
	if !known {
		return notFound("The payment intent was not found.")
	}
	pi := &rec.Live
	switch {
	case pi.status != statusCreated:
		return badRequest("The payment intent is " + pi.status + " and cannot be canceled.")
	case o.Decline != psp.NoDecline:
		return badRequest("The payment intent cannot be canceled now.")
	}
	rec.Freeze(pi.clone(), o.HideFor)
	pi.challenge = ""
	pi.set(statusCanceled)
	s.tell(pi, o.HideFor)
	return psp.JSON(http.StatusOK, s.resource(pi))
}

// searchIntents lists the intents of a time, newest first. It cannot be asked for a reference.
func (s *Sim) searchIntents(r *psp.Request, _ []string, _ psp.Orders) psp.Answer {
	var in struct {
		Statuses []string   `json:"statuses"`
		From     *time.Time `json:"startDate"`
		Until    *time.Time `json:"endDate"`
		Cursor   cursor     `json:"cursor"`
	}
	if bad := decode(r.Body, &in); bad != nil {
		return *bad
	}
	var ids []string
	rows := map[string]psp.Object{}
	for _, id := range slices.Backward(s.order) {
		pi, found := s.seen(id)
		if !found || len(in.Statuses) > 0 && !slices.Contains(in.Statuses, pi.status) ||
			in.From != nil && pi.created.Before(*in.From) || in.Until != nil && pi.created.After(*in.Until) {
			continue
		}
		ids = append(ids, id)
		rows[id] = s.resource(pi)
	}
	return in.Cursor.answer(ids, func(id string) psp.Object { return rows[id] })
}

// clone shares nothing with pi that changes.
func (pi *intent) clone() intent {
	out := *pi
	out.captures, out.refunds, out.events = slices.Clone(pi.captures), slices.Clone(pi.refunds), slices.Clone(pi.events)
	return out
}

func (pi *intent) set(status string) { pi.status, pi.updated = status, now() }

// manual says whether money is taken only when a capture is made.
func (pi *intent) manual() bool { return pi.in.CaptureMode == captureManual }
