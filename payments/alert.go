package payments

import "time"

// AlertKind says what an alert is about.
type AlertKind string

// The kinds of alert.
const (
	AlertLate     AlertKind = "late-charge"    // a PSP charged after the attempt had ended as not done
	AlertLateStep AlertKind = "late-step"      // a PSP captured, refunded or voided after the attempt had ended as not done
	AlertStuck    AlertKind = "not-given-back" // a PSP refuses to give back a late charge, or the hold of a verification
	AlertReview   AlertKind = "in-review"      // no certainty about an attempt after 72 hours
)

// Alert is something that an operator has to know of, and may have to act on. There is one of a kind for each attempt.
type Alert struct {
	ID                     string    `json:"id"` // kind and attempt
	Version                int64     `json:"version"`
	Kind                   AlertKind `json:"kind"`
	ProjectID              string    `json:"project_id"`
	AttemptID              string    `json:"attempt_id"`
	InvoiceID              string    `json:"invoice_id,omitempty"`
	TokenID                string    `json:"token_id,omitempty"`
	GatewayConfigurationID string    `json:"gateway_configuration_id"`
	PSP                    string    `json:"psp"`
	Message                string    `json:"message"` // what happened and what to do, in sentences
	CreatedAt              time.Time `json:"created_at"`
	ClosedAt               time.Time `json:"closed_at,omitzero"`
	ClosedBy               string    `json:"closed_by,omitempty"`
	ClosedBecause          string    `json:"closed_because,omitempty"`
}

// NewAlert returns an alert about an attempt.
func NewAlert(kind AlertKind, a *Attempt, message string, now time.Time) Alert {
	return Alert{
		ID: AlertID(kind, a.ID), Version: 1, Kind: kind, ProjectID: a.ProjectID, AttemptID: a.ID, InvoiceID: a.InvoiceID,
		TokenID: a.TokenID, GatewayConfigurationID: a.GatewayConfigurationID, PSP: a.PSP, Message: message, CreatedAt: now,
	}
}

// AlertID is the id of the alert of a kind about an attempt.
func AlertID(kind AlertKind, attemptID string) string { return string(kind) + ":" + attemptID }
