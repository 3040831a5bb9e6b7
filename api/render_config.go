package api

import (
	"hash/crc32"
	"strconv"

	"switchyard/payments"
)

// ofProject writes the project that an object belongs to.
func (v *view) ofProject(w *writer, e expansion) {
	sub(w, e, "project", func() *payments.Project {
		if !v.configuration {
			return nil
		}
		return &v.project
	}, v.tenant)
	w.full("project_id", v.project.ID)
}

// tenant writes a project. Its key never comes out.
func (v *view) tenant(w *writer, p *payments.Project, _ expansion) {
	w.open()
	w.full("id", p.ID)
	w.null("supervisor_project", "supervisor_project_id", "api_version")
	w.text("name", p.Name)
	w.null("logo_url")
	w.text("email", p.Email)
	w.text("default_currency", string(p.DefaultCurrency))
	w.null("private_key", "dunning_configuration")
	w.flag("sandbox", p.Sandbox)
	w.at("created_at", p.CreatedAt)
	w.close()
}

// gatewayConfiguration writes a gateway configuration. What it is configured with stays inside.
func (v *view) gatewayConfiguration(w *writer, g *GatewayInfo, e expansion) {
	w.open()
	w.full("id", g.ID)
	v.ofProject(w, e)
	sub(w, e, "gateway", func() *GatewayInfo { return g }, v.gateway)
	w.number("gateway_id", gatewayNumber(g.PSP))
	w.full("gateway_name", g.PSP)
	w.text("name", g.Name)
	w.text("default_currency", string(g.Currency))
	w.flag("enabled", g.Enabled)
	w.texts("public_keys", nil)
	w.at("created_at", g.CreatedAt)
	if g.Enabled {
		w.at("enabled_at", g.CreatedAt)
	} else {
		w.null("enabled_at")
	}
	w.null("processing_region", "sub_accounts_enabled")
	w.texts("metadata", nil)
	w.close()
}

// gateway writes the PSP behind a gateway configuration.
func (v *view) gateway(w *writer, g *GatewayInfo, _ expansion) {
	w.open()
	w.full("id", strconv.Itoa(gatewayNumber(g.PSP)))
	w.full("name", g.PSP)
	w.text("display_name", g.DisplayName)
	w.null("logo_url")
	w.text("url", g.URL)
	w.name("flows")
	w.openList()
	w.value("card")
	w.closeList()
	w.name("tags")
	w.openList()
	for _, tag := range tagsOf(&g.Capabilities) {
		w.value(tag)
	}
	w.closeList()
	w.flag("can_pull_transactions", false)
	w.flag("can_refund", true)
	w.flag("is_oauth_authentication", false)
	w.null("description")
	w.close()
}

// tagsOf names what a PSP can do beyond taking and refunding a payment.
func tagsOf(can *payments.Capabilities) []string {
	var tags []string
	for _, ability := range [...]struct {
		has  bool
		name string
	}{
		{can.ManualCapture, "manual-capture"},
		{can.PartialCapture, "partial-capture"},
		{can.PartialRefund, "partial-refund"},
		{can.MerchantInitiated, "merchant-initiated"},
		{can.ZeroVerify, "zero-verification"},
	} {
		if ability.has {
			tags = append(tags, ability.name)
		}
	}
	return tags
}

// gatewayNumber is the number that the vendor's API calls a gateway by: any number will do that stays the same.
func gatewayNumber(psp string) int {
	return int(crc32.ChecksumIEEE([]byte(psp)) >> 1) // 31 bits: every SDK can hold them
}
