package router

import (
	"strings"
	"testing"
	"time"

	"switchyard/payments"
)

// pages are two PSPs with pages of their own: one that takes nothing else, and one that wants the CVC of what it has saved.
func pages() *Config {
	return Compile(Config{MaxAttempts: 3, Gateways: []Gateway{
		{ID: "gway_conf_dojo", PSP: "dojo", DisplayName: "Dojo", Enabled: true, Page: true, Capabilities: payments.Capabilities{
			HostedOnly: true, MerchantInitiated: true, MerchantInitiatedSaleOnly: true, ManualCapture: true, PageSaves: true,
		}},
		{ID: "gway_conf_pivot", PSP: "pivot", DisplayName: "Pivot", Enabled: true, Page: true, Capabilities: payments.Capabilities{
			NeedsCVC: true, NeedsCVCSaved: true, ManualCapture: true,
		}},
		{ID: "gway_conf_plain", PSP: "plain", DisplayName: "Plain", Enabled: true, Capabilities: payments.Capabilities{MerchantInitiated: true, ManualCapture: true}},
	}})
}

func TestPages(t *testing.T) {
	t.Parallel()
	const dojo, pivot, plain = "gway_conf_dojo", "gway_conf_pivot", "gway_conf_plain"
	savedAt := func(id string, only payments.Initiation) map[string]payments.Mapping {
		return map[string]payments.Mapping{id: {Status: payments.MappingUsable, MethodRef: "pm_1", Only: only}}
	}
	for name, tt := range map[string]struct {
		change func(*payments.Facts)
		id     string
		page   bool
		want   string // a part of the reason; for candidates that are left out, the whole
		out    bool
	}{
		"a page is asked for":       {func(f *payments.Facts) { f.Page = true }, dojo, true, "; the payer pays on its page", false},
		"no page":                   {func(f *payments.Facts) { f.Page = true }, plain, false, "Plain has no page of its own", true},
		"bound page":                {func(f *payments.Facts) { f.Page, f.BoundTo = true, pivot }, pivot, true, "on its page", false},
		"another page":              {func(f *payments.Facts) { f.Page, f.BoundTo = true, pivot }, dojo, false, "exists only at Pivot", true},
		"nobody is there":           {func(f *payments.Facts) { f.Page, f.Initiation = true, payments.MerchantInitiated }, dojo, false, "a merchant-initiated payment has no payer who could act on the page of Dojo", true},
		"a page that saves":         {func(f *payments.Facts) { f.Page, f.Operation, f.Amount.Minor = true, payments.OpVerify, 0 }, dojo, true, "on its page", false},
		"a page that cannot save":   {func(f *payments.Facts) { f.Page, f.Operation, f.Amount.Minor = true, payments.OpVerify, 0 }, pivot, false, "Pivot cannot save a method on its page without charging it", true},
		"a card":                    {func(f *payments.Facts) { f.HasCard, f.HasCVC = true, true }, dojo, false, "Dojo takes payments on its own page only", true},
		"a saved one, confirmed":    {func(f *payments.Facts) { f.Mappings = savedAt(dojo, payments.CustomerInitiated) }, dojo, true, "on its page", false},
		"a saved one, without CVC":  {func(f *payments.Facts) { f.Mappings = savedAt(pivot, "") }, pivot, true, "on its page", false},
		"a saved one, with CVC":     {func(f *payments.Facts) { f.Mappings, f.HasCVC = savedAt(pivot, ""), true }, pivot, false, "has this token saved", false},
		"a saved one with its card": {func(f *payments.Facts) { f.Mappings, f.HasCard = savedAt(pivot, ""), true }, pivot, false, "Pivot charges a saved card only with its CVC, and none is held", true},
		"agreed to": {func(f *payments.Facts) {
			f.Mappings, f.Initiation = savedAt(dojo, payments.MerchantInitiated), payments.MerchantInitiated
		}, dojo, false, "has this token saved", false},
		"agreed to, held": {func(f *payments.Facts) {
			f.Mappings, f.Initiation, f.Operation = savedAt(dojo, payments.MerchantInitiated), payments.MerchantInitiated, payments.OpAuthorize
		}, dojo, false, "Dojo takes the money of a merchant-initiated payment at once, and cannot hold it", true},
		"agreed to, by the payer": {
			func(f *payments.Facts) { f.Mappings = savedAt(dojo, payments.MerchantInitiated) }, dojo, false,
			"the payer agreed to merchant-initiated payments only at Dojo", true,
		},
		"not agreed to": {func(f *payments.Facts) {
			f.Mappings, f.Initiation = savedAt(dojo, payments.CustomerInitiated), payments.MerchantInitiated
		}, dojo, false, "the payer has to confirm each payment with this token at Dojo", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := payments.Facts{ProjectID: "p", Operation: payments.OpSale, Amount: payments.Money{Minor: 100_00, Currency: "GBP"}}
			tt.change(&f)
			got := candidate(t, Decide(pages(), f, View{}, time.Time{}), tt.id)
			out := got.Verdict == payments.Excluded
			if out != tt.out || got.Page != tt.page || !strings.Contains(got.Reason, tt.want) {
				t.Errorf("got %+v, want page %t, left out %t, %q", got, tt.page, tt.out, tt.want)
			}
		})
	}
}
