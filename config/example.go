package config

import _ "embed" // for the example

//go:embed example.yaml
var example string

// smart is the routing policy of `switchyard dev --smart`.
//
//go:embed smart.yaml
var smart string

// Example is a configuration file with every key and what it means, for people to start from.
func Example() string { return example }
