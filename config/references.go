package config

import (
	"errors"
	"io/fs"
	"path/filepath"
	"strings"
)

// maxReferencedBytes bounds a file that a value refers to: it holds one value.
const maxReferencedBytes = 64 << 10

// references fills in ${env:NAME} and ${file:path} in texts of the file. A path that is not absolute starts at the
// configuration file's folder; the newline at the end of a file is not part of the value. $${ stands for ${ itself.
type references struct {
	getenv   func(string) string
	readFile func(string) ([]byte, error)
	folder   string
}

const (
	opening = "${"
	escaped = "$${"
)

// expand returns the text with its references filled in, whether there were any, and what is wrong with one of them. The
// message never repeats the text.
func (r references) expand(text string) (expanded string, referred bool, fault string) {
	if !strings.Contains(text, opening) {
		return text, false, ""
	}
	var b strings.Builder
	for {
		i := strings.Index(text, opening)
		if i < 0 {
			b.WriteString(text)
			return b.String(), referred, ""
		}
		if i > 0 && text[i-1] == '$' {
			b.WriteString(text[:i-1] + opening)
			text = text[i+len(opening):]
			continue
		}
		b.WriteString(text[:i])
		reference, rest, closed := strings.Cut(text[i+len(opening):], "}")
		if !closed {
			return "", true, "this reference has no closing brace"
		}
		value, fault := r.resolve(reference)
		if fault != "" {
			return "", true, fault
		}
		b.WriteString(value)
		text, referred = rest, true
	}
}

func (r references) resolve(reference string) (value, fault string) {
	kind, name, _ := strings.Cut(reference, ":")
	switch {
	case kind == "env" && name != "":
		if value = r.getenv(name); value == "" {
			return "", "the environment variable " + name + " is not set, or empty"
		}
		return value, ""
	case kind == "file" && name != "":
		return r.file(name)
	}
	return "", "a reference is ${env:NAME} or ${file:/path}; write " + escaped + " for a plain " + opening
}

func (r references) file(path string) (value, fault string) {
	if !filepath.IsAbs(path) {
		path = filepath.Join(r.folder, path)
	}
	content, err := r.readFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", "the file that this refers to does not exist"
	case errors.Is(err, fs.ErrPermission):
		return "", "the file that this refers to may not be read"
	case err != nil:
		return "", "the file that this refers to cannot be read"
	case len(content) > maxReferencedBytes:
		return "", "the file that this refers to is larger than 64 KiB"
	}
	value = strings.TrimSuffix(strings.TrimSuffix(string(content), "\n"), "\r")
	if value == "" {
		return "", "the file that this refers to is empty"
	}
	return value, ""
}
