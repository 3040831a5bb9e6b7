package config

import (
	"encoding/base64"
	"maps"
	"net/mail"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"switchyard/payments"
)

const (
	sandboxPrefix = "test-"
	vaultKeyBytes = 32
	// minKeyLength is the least number of characters of a sandbox's API key, minLiveKeyLength that of a live project's.
	minKeyLength     = 12
	minLiveKeyLength = 24
	// minDistinct is the least number of different characters or bytes in a key: fewer were not drawn at random.
	minDistinct = 8
	devKeyID    = "dev-"
	// A signing secret of Standard Webhooks, and its size in bytes.
	signingSecretPrefix = "whsec_"
	minSigningBytes     = 24
	maxSigningBytes     = 64
)

var projectID = regexp.MustCompile(`^(test-)?proj_[A-Za-z0-9_-]{1,48}$`)

func (c *checker) projects() []Project {
	if len(c.doc.Projects) == 0 {
		c.add("projects", "is missing: there must be at least one project")
	}
	projects := make([]Project, 0, len(c.doc.Projects))
	owners := map[string]int{} // of keys
	for i := range c.doc.Projects {
		s, path := &c.doc.Projects[i], "projects["+strconv.Itoa(i)+"]"
		p := Project{Keys: s.Keys}
		p.ID, p.Name, p.Email = s.ID, s.Name, s.Email
		p.Sandbox = strings.HasPrefix(s.ID, sandboxPrefix)
		c.project(path, s, projects)
		if s.DefaultCurrency != "" {
			p.DefaultCurrency = c.currency(path+".default_currency", s.DefaultCurrency)
		}
		c.apiKeys(path, i, &p, owners)
		if p.WebhookSecret = s.WebhookSecret; !p.WebhookSecret.IsZero() {
			c.signingSecret(path+".webhook_secret", &p)
		}
		projects = append(projects, p)
	}
	return projects
}

func (c *checker) project(path string, s *projectSection, before []Project) {
	sandbox := strings.HasPrefix(s.ID, sandboxPrefix)
	switch {
	case s.ID == "":
		c.add(path+".id", "is missing: it starts with proj_, or with test-proj_ for a sandbox")
	case !projectID.MatchString(s.ID):
		c.add(path+".id", "must be proj_ (live) or test-proj_ (sandbox) and 1 to 48 letters, digits, _ or -")
	case slices.ContainsFunc(before, func(p Project) bool { return p.ID == s.ID }):
		c.add(path+".id", "another project has this id")
	case s.Sandbox != nil && *s.Sandbox != sandbox:
		c.add(path+".sandbox", "contradicts the id: test-proj_… is a sandbox and proj_… is live")
	}
	if s.Name == "" {
		c.add(path+".name", "is missing")
	}
	if _, err := mail.ParseAddress(s.Email); s.Email != "" && err != nil {
		c.add(path+".email", "is not an e-mail address")
	}
}

// apiKeys checks the keys of project i. A live project refuses what can be known or guessed.
func (c *checker) apiKeys(path string, i int, p *Project, owners map[string]int) {
	if len(p.Keys) == 0 {
		c.add(path+".keys", "is missing: the project needs at least one API key")
	}
	for k, secret := range p.Keys {
		at, key := path+".keys["+strconv.Itoa(k)+"]", secret.Reveal()
		owner, taken := owners[key]
		owners[key] = i
		lower := strings.ToLower(key)
		switch {
		case taken && owner == i:
			c.add(at, "stands here twice")
		case taken:
			c.add(at, "another project has this key")
		case strings.ContainsFunc(key, func(r rune) bool { return r <= ' ' || r > '~' }):
			c.add(at, "must be printable ASCII characters without spaces")
		case p.Sandbox && len(key) < minKeyLength:
			c.add(at, "must have at least "+strconv.Itoa(minKeyLength)+" characters")
		case p.Sandbox:
		case strings.Contains(lower, "sandbox") || strings.Contains(lower, "test"):
			c.add(at, "is a known or a test key: a live project needs a key of its own, such as openssl rand -hex 24 makes")
		case len(key) < minLiveKeyLength:
			c.add(at, "must have at least "+strconv.Itoa(minLiveKeyLength)+" characters in a live project")
		case distinct([]byte(key)) < minDistinct:
			c.add(at, "is too simple: take a random one, such as openssl rand -hex 24 makes")
		}
	}
}

// signingSecret wants a secret of Standard Webhooks.
func (c *checker) signingSecret(path string, p *Project) {
	text, marked := strings.CutPrefix(p.WebhookSecret.Reveal(), signingSecretPrefix)
	secret, err := base64.StdEncoding.DecodeString(text)
	switch {
	case !marked || err != nil || len(secret) < minSigningBytes || len(secret) > maxSigningBytes:
		c.add(path, "must be whsec_ and 24 to 64 bytes in base64, such as whsec_ and what openssl rand -base64 32 makes")
	case distinct(secret) < minDistinct:
		c.add(path, "is too simple: take a random one, such as whsec_ and what openssl rand -base64 32 makes")
	case !p.Sandbox && p.WebhookSecret.Reveal() == DevSigningSecret:
		c.add(path, "is the known secret of switchyard dev: a live project needs one of its own")
	}
}

func (c *checker) vault() {
	v := &c.doc.Vault
	_, current := v.Keys[v.CurrentKey]
	switch {
	case len(v.Keys) == 0:
		c.add("vault.keys", "is missing: card numbers need at least one key, an id and 32 bytes in base64")
	case v.CurrentKey == "":
		c.add("vault.current_key", "is missing: name the key that new cards are sealed with")
	case !current:
		c.add("vault.current_key", "is not one of vault.keys")
	}
	used := map[string]bool{}
	for _, id := range slices.Sorted(maps.Keys(v.Keys)) {
		path := join("vault.keys", id)
		c.vaultKey(path, v.Keys[id], used)
		if c.live && strings.HasPrefix(strings.ToLower(id)+"-", devKeyID) {
			c.add(path, "has the id of a development key: a live project needs a key of its own")
		}
		if id == "" {
			c.add(path, "has an empty id")
		}
	}
	if v.FingerprintKey.IsZero() {
		c.add("vault.fingerprint_key", "is missing: it must be 32 bytes in base64, such as openssl rand -base64 32 makes")
		return
	}
	c.vaultKey("vault.fingerprint_key", v.FingerprintKey, used)
}

func (c *checker) vaultKey(path string, secret payments.Secret, used map[string]bool) {
	key, err := base64.StdEncoding.DecodeString(secret.Reveal())
	switch {
	case err != nil || len(key) != vaultKeyBytes:
		c.add(path, "must be 32 bytes in base64, such as openssl rand -base64 32 makes")
	case distinct(key) < minDistinct:
		c.add(path, "is too simple: take a random one, such as openssl rand -base64 32 makes")
	case used[string(key)]:
		c.add(path, "is the same as another key: each must be its own")
	}
	used[string(key)] = true
}

func (c *checker) currency(path, text string) payments.Currency {
	currency, err := payments.ParseCurrency(text)
	if err != nil {
		c.add(path, "is not a currency: give the three letters of its ISO 4217 code, such as PHP")
	}
	return currency
}

func distinct(key []byte) int {
	seen := map[byte]bool{}
	for _, b := range key {
		seen[b] = true
	}
	return len(seen)
}
