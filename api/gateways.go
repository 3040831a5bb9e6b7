package api

import "switchyard/payments"

// gateway returns a gateway configuration that a project may see, or nil.
func (s *server) gateway(projectID, id string) *GatewayInfo {
	for i := range s.Gateways {
		if g := &s.Gateways[i]; g.ID == id && g.of(projectID) {
			return g
		}
	}
	return nil
}

// of reports whether the gateway configuration is the project's, or everybody's.
func (g *GatewayInfo) of(projectID string) bool {
	return g.ProjectID == "" || g.ProjectID == projectID
}

// gatewaysOf returns the gateway configurations of a project, of one PSP or of all.
func (s *server) gatewaysOf(projectID, psp string) []GatewayInfo {
	var found []GatewayInfo
	for _, g := range s.Gateways {
		if g.of(projectID) && (psp == "" || psp == g.PSP) {
			found = append(found, g)
		}
	}
	return found
}

func (s *server) listGateways(c *call) (reply, error) {
	return s.showGateways(c, s.gatewaysOf(c.project.ID, ""))
}

func (s *server) listGatewaysOf(c *call) (reply, error) {
	found := s.gatewaysOf(c.project.ID, c.param("gateway"))
	if len(found) == 0 {
		return reply{}, payments.NewError(payments.CodeGatewayNotFound, "There is no gateway of this name in this project.")
	}
	return s.showGateways(c, found)
}

func (s *server) showGateways(c *call, all []GatewayInfo) (reply, error) {
	found, err := cut(all, c.options.page, func(g *GatewayInfo) string { return g.ID })
	if err != nil {
		return reply{}, err
	}
	v := c.reading(payments.Snapshot{})
	return showing(v, func(w *writer) {
		page(w, "gateway_configurations", c.options, found, func(one *GatewayInfo) { v.gatewayConfiguration(w, one, v.expand) })
	}), nil
}

func (s *server) getGateway(c *call) (reply, error) {
	g := s.gateway(c.project.ID, c.param("configuration"))
	if g == nil {
		return reply{}, payments.NewError(payments.CodeGatewayConfigurationNotFound, "There is no such gateway configuration in this project.")
	}
	v := c.reading(payments.Snapshot{})
	return showing(v, func(w *writer) { object(w, "gateway_configuration", g, v.gatewayConfiguration, v.expand) }), nil
}

// getProject shows the caller's own project. Others do not exist for it.
func (s *server) getProject(c *call) (reply, error) {
	if c.param("project") != c.project.ID {
		return reply{}, payments.NewError(payments.CodeProjectNotFound, "There is no such project.")
	}
	v := c.reading(payments.Snapshot{})
	return showing(v, func(w *writer) { object(w, "project", &c.project, v.tenant, v.expand) }), nil
}
