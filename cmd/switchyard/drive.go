package main

import (
	"bufio"
	"os"

	"switchyard/config"
	"switchyard/router"
	"switchyard/router/drive"
	"switchyard/router/rules"
)

type routesDrive struct {
	Config string `required:"" type:"existingfile" placeholder:"FILE" help:"The routing policy. Its gateways are those that it names in its section gateways; they take everything."`
}

func (r routesDrive) Run(env environment) error {
	text, err := os.ReadFile(r.Config)
	if err != nil {
		return err
	}
	c, err := driven(r.Config, text)
	if err != nil {
		return err
	}
	if err := drive.Run(c, bufio.NewReader(env.stdin), env.stdout); err != nil {
		return usageError{"standard input: " + err.Error()}
	}
	return nil
}

// driven is the configuration of a policy that stands alone.
func driven(file string, text []byte) (*router.Config, error) {
	doc, _ := rules.Decode(file, text) // ReadPolicy reports these faults again, with its own
	c := router.Config{Gateways: drive.Gateways(doc)}
	c.MaxAttempts = max(len(c.Gateways), 1)
	known := make([]rules.Gateway, len(c.Gateways))
	for i, g := range c.Gateways {
		known[i].ID = g.ID
		c.Priority = append(c.Priority, g.ID)
	}
	policy, faults := config.ReadPolicy(file, text, known)
	if faults != nil {
		return nil, faults
	}
	c.Policy = policy
	return router.Compile(c), nil
}
