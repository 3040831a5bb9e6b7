package policies

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"switchyard/payments"
	"switchyard/router"
	"switchyard/router/rules"
)

// Bundle is a routing policy as it is written: its file, and then the files that it names. An empty one is no policy:
// the configuration's priority alone decides.
type Bundle []payments.PolicyFile

// Compiled is a policy that can go live with the gateway configurations that there are.
type Compiled struct {
	Hash       string          // of the meaning, payments.NoPolicy without a policy
	Config     *router.Config  // from router.Compile
	Findings   []rules.Finding // what is most likely a mistake, or worth knowing
	NotInForce []string        // what the policy asks for and the program does not do, in sentences
}

// Named lists the files that a policy names beside itself, each once.
func Named(policy *rules.Document) []string {
	var names []string
	for _, c := range []*rules.Candidate{policy.Shadow, policy.Canary} {
		if c != nil && c.File != "" && (len(names) == 0 || names[0] != c.File) {
			names = append(names, c.File)
		}
	}
	return names
}

// ReadBundle reads a policy's file and those that it names beside itself. No path is no policy.
func ReadBundle(path string) (Bundle, error) {
	if path == "" {
		return nil, nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, unread("The routing policy %s cannot be read: %v.", filepath.ToSlash(path), cause(err))
	}
	b := Bundle{{Name: filepath.Base(path), Text: string(text)}}
	doc, _ := rules.Decode(b[0].Name, text) // whoever compiles the bundle hears of the faults
	for _, name := range Named(doc) {
		text, err := os.ReadFile(filepath.Join(filepath.Dir(path), filepath.FromSlash(name)))
		if err != nil {
			return nil, unread("The routing policy %s names %s, which cannot be read: %v. It belongs beside the policy.", filepath.ToSlash(path), name, cause(err))
		}
		b = append(b, payments.PolicyFile{Name: name, Text: string(text)})
	}
	return b, nil
}

// cause is why a file cannot be read, without its path once more.
func cause(err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err
	}
	return err
}

// textHash tells texts apart, whatever they mean.
func (b Bundle) textHash() string {
	text, err := json.Marshal(b)
	if err != nil { // texts can always be written
		return ""
	}
	sum := sha256.Sum256(text)
	return "text:" + hex.EncodeToString(sum[:])
}

// File is one of the bundle's files.
func (b Bundle) File(name string) (payments.PolicyFile, bool) {
	i := slices.IndexFunc(b, func(f payments.PolicyFile) bool { return f.Name == name })
	if i < 0 {
		return payments.PolicyFile{}, false
	}
	return b[i], true
}
