package app

import (
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"switchyard/adapters"
	"switchyard/api"
	"switchyard/config"
	"switchyard/flow"
)

// openGateways opens the adapter of every gateway configuration, those that are switched off too: what they have charged
// must still be captured, refunded and asked about.
func openGateways(c *config.Config, transport http.RoundTripper, log *slog.Logger) ([]flow.Gateway, error) {
	gateways := make([]flow.Gateway, 0, len(c.Gateways))
	for _, g := range c.Gateways {
		adapter, err := g.Adapter.Open(adapters.Deps{Transport: transport, Logger: log.With("gateway_configuration", g.ID, "psp", g.PSP), Now: time.Now})
		if err != nil {
			return nil, fmt.Errorf("app: gateway configuration %s: %w", g.ID, err)
		}
		open := flow.Gateway{ID: g.ID, PSP: g.PSP, Adapter: adapter, Capabilities: g.Capabilities, Timeout: g.Timeout}
		if len(g.Capabilities.Currencies) > 0 {
			open.Currency = g.Capabilities.Currencies[0]
		}
		gateways = append(gateways, open)
	}
	return gateways, nil
}

// hasPage says that payers can pay on a page of the PSP's own.
func hasPage(gateways []flow.Gateway, id string) bool {
	return slices.ContainsFunc(gateways, func(g flow.Gateway) bool {
		_, starts := g.Adapter.(adapters.SessionStarter)
		return g.ID == id && starts
	})
}

// gatewayInfos is what merchants may know.
func gatewayInfos(c *config.Config, started time.Time) []api.GatewayInfo {
	infos := make([]api.GatewayInfo, 0, len(c.Gateways))
	for _, g := range c.Gateways {
		info := api.GatewayInfo{
			ID: g.ID, ProjectID: g.ProjectID, PSP: g.PSP, DisplayName: g.Provider.DisplayName, URL: g.Provider.URL, Name: g.Name,
			Enabled: g.Enabled, CreatedAt: started, Capabilities: g.Capabilities,
		}
		if len(g.Capabilities.Currencies) > 0 {
			info.Currency = g.Capabilities.Currencies[0]
		}
		infos = append(infos, info)
	}
	return infos
}
