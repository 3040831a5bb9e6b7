package api

import (
	_ "embed"
	"fmt"
	"sync"

	"github.com/goccy/go-yaml"
)

//go:embed openapi.yaml
var openAPIText []byte

// openAPI is the description of the API as JSON. It is made when it is first asked for: most programs that start are not.
var openAPI = sync.OnceValues(func() ([]byte, error) {
	document, err := yaml.YAMLToJSON(openAPIText)
	if err != nil {
		return nil, fmt.Errorf("api: openapi.yaml: %w", err)
	}
	return document, nil
})
