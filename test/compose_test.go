package test

import (
	"encoding/base64"
	"encoding/json"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"switchyard/adapters/all"
	"switchyard/config"
	"switchyard/sims"
)

// composition is the part of docker-compose.yml that is checked beyond its schema.
type composition struct {
	Services map[string]service         `yaml:"services"`
	Configs  map[string]composedFile    `yaml:"configs"`
	Volumes  map[string]map[string]any  `yaml:"volumes"`
	Networks map[string]composedNetwork `yaml:"networks"`
}

type service struct {
	Build       string               `yaml:"build"`
	Command     []string             `yaml:"command"`
	Environment map[string]string    `yaml:"environment"`
	Configs     []composedMount      `yaml:"configs"`
	Volumes     []string             `yaml:"volumes"`
	Ports       []string             `yaml:"ports"`
	Networks    []string             `yaml:"networks"`
	DependsOn   map[string]condition `yaml:"depends_on"`
	Healthcheck *struct {
		Test []string `yaml:"test"`
	} `yaml:"healthcheck"`
	User        string   `yaml:"user"`
	ReadOnly    bool     `yaml:"read_only"`
	CapDrop     []string `yaml:"cap_drop"`
	SecurityOpt []string `yaml:"security_opt"`
}

type condition struct {
	Condition string `yaml:"condition"`
}

type composedFile struct {
	File string `yaml:"file"`
}

type composedMount struct {
	Source string `yaml:"source"`
	Target string `yaml:"target"`
}

type composedNetwork struct {
	Internal bool `yaml:"internal"`
}

// TestComposeSchema holds docker-compose.yml against the schema of the Compose Specification, as `docker compose config`
// does.
func TestComposeSchema(t *testing.T) {
	t.Parallel()
	schema, err := jsonschema.NewCompiler().Compile(filepath.Join("testdata", "compose-spec", "compose-spec.json"))
	if err != nil {
		t.Fatal(err)
	}
	var document any
	decodeYAML(t, "docker-compose.yml", &document)
	if err := schema.Validate(plain(t, document)); err != nil {
		t.Error(err)
	}
	// A schema that accepts everything would hold nothing.
	if err := schema.Validate(map[string]any{"services": map[string]any{"a": map[string]any{"ports": "8080"}}}); err == nil {
		t.Error("the schema accepts ports that are no list")
	}
}

// TestComposeReferences checks what the schema cannot: that every name which a service refers to is there.
func TestComposeReferences(t *testing.T) {
	t.Parallel()
	c := readComposition(t)
	for name, s := range c.Services {
		for other, on := range s.DependsOn {
			target, ok := c.Services[other]
			if !ok {
				t.Errorf("%s depends on %s, which is not there", name, other)
			} else if on.Condition == "service_healthy" && target.Healthcheck == nil {
				t.Errorf("%s waits for the health of %s, which has no check", name, other)
			}
			if !slices.ContainsFunc(s.Networks, func(n string) bool { return slices.Contains(target.Networks, n) }) {
				t.Errorf("%s depends on %s and shares no network with it", name, other)
			}
		}
		for _, network := range s.Networks {
			if _, ok := c.Networks[network]; !ok {
				t.Errorf("%s is on network %s, which is not there", name, network)
			}
		}
		for _, mount := range s.Configs {
			if _, ok := c.Configs[mount.Source]; !ok {
				t.Errorf("%s mounts config %s, which is not there", name, mount.Source)
			}
		}
		for _, mount := range s.Volumes {
			if source, _, _ := strings.Cut(mount, ":"); c.Volumes != nil {
				if _, ok := c.Volumes[source]; !ok {
					t.Errorf("%s mounts volume %s, which is not there", name, source)
				}
			}
		}
	}
	for name, file := range c.Configs {
		if _, err := os.Stat(filepath.Join(root, file.File)); err != nil {
			t.Errorf("config %s: %v", name, err)
		}
	}
}

// secretName matches variables that hold a secret.
var secretName = regexp.MustCompile(`(?i)key|secret|password|token`)

// TestComposeManners checks that no service can do more than it needs, and that nothing secret stands in the file.
func TestComposeManners(t *testing.T) {
	t.Parallel()
	for name, s := range readComposition(t).Services {
		if s.Healthcheck == nil {
			t.Errorf("%s has no health check", name)
		}
		if !s.ReadOnly {
			t.Errorf("%s can write to its own image", name)
		}
		if !slices.Equal(s.CapDrop, []string{"ALL"}) || !slices.Contains(s.SecurityOpt, "no-new-privileges:true") {
			t.Errorf("%s keeps capabilities or can get them back", name)
		}
		if uid, _, _ := strings.Cut(s.User, ":"); uid == "" || uid == "0" || uid == "root" {
			t.Errorf("%s runs as root", name)
		}
		for _, port := range s.Ports {
			if !strings.HasPrefix(port, "127.0.0.1:") {
				t.Errorf("%s publishes %s beyond this machine", name, port)
			}
		}
		for variable, value := range s.Environment {
			if secretName.MatchString(variable) && !strings.HasPrefix(value, "${"+variable+":?") {
				t.Errorf("%s: %s must come from the environment, and its absence must stop the start", name, variable)
			}
		}
	}
}

// TestComposeConfiguration loads the gateway's configuration as the gateway would.
func TestComposeConfiguration(t *testing.T) {
	t.Parallel()
	c := readComposition(t)
	gateway := c.Services["gateway"]
	loaded, err := config.Load(filepath.Join(root, c.Configs["switchyard"].File), config.Options{
		Providers: all.Providers(),
		Getenv: func(name string) string {
			value := gateway.Environment[name]
			if strings.HasPrefix(value, "${") {
				return madeUpKey(name)
			}
			return value
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := gateway.Configs[0].Target; !slices.Contains(gateway.Command, got) {
		t.Errorf("the configuration is mounted at %s, where %v does not look", got, gateway.Command)
	}
	if _, target, _ := strings.Cut(gateway.Volumes[0], ":"); filepath.Dir(loaded.Store.Path) != target {
		t.Errorf("the database is at %s, outside of the volume at %s", loaded.Store.Path, target)
	}
	for _, address := range []string{loaded.Listen, loaded.OpsListen} {
		_, port, err := net.SplitHostPort(address)
		if err != nil {
			t.Fatal(err)
		}
		if !publishes(gateway, port) {
			t.Errorf("the gateway listens on %s, which is not published", address)
		}
	}
}

// TestComposeSimulators checks that the gateway looks for each PSP where its simulator answers, and that a payer's browser
// reaches it there too.
func TestComposeSimulators(t *testing.T) {
	t.Parallel()
	c := readComposition(t)
	var file struct {
		Gateways []struct {
			PSP      string `yaml:"psp"`
			Settings struct {
				BaseURL string `yaml:"base_url"`
			} `yaml:"settings"`
		} `yaml:"gateway_configurations"`
	}
	decodeYAML(t, c.Configs["switchyard"].File, &file)
	for _, g := range file.Gateways {
		address, err := url.Parse(g.Settings.BaseURL)
		if err != nil {
			t.Fatal(err)
		}
		if want := simulatorPort(t, c.Services["simulators"], g.PSP); address.Hostname() != "simulators" || address.Port() != want {
			t.Errorf("%s is looked for at %s; its simulator answers at port %s of simulators", g.PSP, address, want)
		}
		if !publishes(c.Services["simulators"], address.Port()) {
			t.Errorf("%s answers at %s, a port that is not published", g.PSP, address)
		}
	}
}

// simulatorPort is the port that the command of the simulators gives to the PSP.
func simulatorPort(t *testing.T, simulators service, psp string) string {
	t.Helper()
	i := slices.Index(simulators.Command, "--first-psp-port")
	if i < 0 || i+1 == len(simulators.Command) {
		t.Fatalf("%v leaves it to chance where the PSPs answer", simulators.Command)
	}
	first, err := strconv.Atoi(simulators.Command[i+1])
	if err != nil {
		t.Fatal(err)
	}
	server, err := sims.Start(sims.Options{Listen: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := server.Stop(t.Context()); err != nil {
			t.Error(err)
		}
	}()
	at := slices.IndexFunc(server.PSPs(), func(p sims.PSP) bool { return p.Name == psp })
	if at < 0 {
		t.Fatalf("%s is not simulated", psp)
	}
	return strconv.Itoa(first + at)
}

// TestComposeCommands asks the program whether it understands the commands that the containers give it.
func TestComposeCommands(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("builds the program")
	}
	program := filepath.Join(t.TempDir(), "switchyard")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, "../cmd/switchyard").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for name, s := range readComposition(t).Services {
		if s.Build == "" {
			continue
		}
		// Help is shown only for a command line without faults, and instead of running it.
		if out, err := exec.CommandContext(t.Context(), program, append(s.Command, "--help")...).CombinedOutput(); err != nil {
			t.Errorf("%s: switchyard %s: %v\n%s", name, strings.Join(s.Command, " "), err, out)
		}
	}
}

// publishes says whether the service publishes the port under its own number.
func publishes(s service, port string) bool {
	number, err := strconv.Atoi(port)
	if err != nil {
		return false
	}
	return slices.ContainsFunc(s.Ports, func(published string) bool {
		parts := strings.Split(published, ":")
		first, last, isRange := strings.Cut(parts[len(parts)-1], "-")
		if !isRange {
			last = first
		}
		low, err := strconv.Atoi(first)
		high, err2 := strconv.Atoi(last)
		return err == nil && err2 == nil && parts[len(parts)-2] == parts[len(parts)-1] && low <= number && number <= high
	})
}

// madeUpKey is 32 bytes in base64, another for each name.
func madeUpKey(name string) string {
	raw := make([]byte, 32)
	for i := range raw {
		raw[i] = byte(i*7) ^ name[i%len(name)]
	}
	return base64.StdEncoding.EncodeToString(raw)
}

func readComposition(t *testing.T) composition {
	t.Helper()
	var c composition
	decodeYAML(t, "docker-compose.yml", &c)
	if len(c.Services) == 0 {
		t.Fatal("docker-compose.yml has no services")
	}
	return c
}

func decodeYAML(t *testing.T, name string, into any) {
	t.Helper()
	if err := yaml.Unmarshal([]byte(readText(t, name)), into); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

// plain turns what a YAML decoder makes into what a JSON decoder makes, which is what the schema speaks about.
func plain(t *testing.T, document any) any {
	t.Helper()
	text, err := json.Marshal(document)
	if err != nil {
		t.Fatal(err)
	}
	value, err := jsonschema.UnmarshalJSON(strings.NewReader(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	return value
}
