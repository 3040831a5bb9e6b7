package sandbox

import (
	"switchyard/adapters"
	"switchyard/adapters/adaptertest/example"
)

// careless is a configuration that passes as a live one whatever is in it.
type careless struct {
	example.Config `yaml:",inline"`
}

func (*careless) Check(bool) []adapters.FieldFault { return nil }

func newCareless() adapters.Config {
	return &careless{example.Config{BaseURL: "https://api.acmepay.example"}}
}
