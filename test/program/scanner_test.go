package program

import (
	"database/sql"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	_ "switchyard/store/sqlite" // brings the driver
)

// scanner looks for secrets in everything that the program lets out.
type scanner struct {
	literals map[string]string // secret → what it is
	forms    []form
}

// form is a secret that is known by how it looks.
type form struct {
	what    string
	pattern *regexp.Regexp
}

func newScanner() *scanner {
	s := &scanner{literals: map[string]string{}}
	for what, pattern := range map[string]string{
		"a CVC":                 `(?i)"?\b(?:cvc2?|cvn|cvv2?|security_code)"?\]?\s*[:=]\s*"?[0-9]{3,4}\b`,
		"a customer secret":     `\bcs_(?:sandbox|prod)_[A-Za-z0-9_\-]{20,}`,
		"a payment link":        `(?i)[?&]csc=[A-Za-z0-9_\-]{8,}|[?&]token=eyJ[A-Za-z0-9_\-]{8,}|/detail\?token=[A-Za-z0-9_\-]{16,}`,
		"a signed token":        `\beyJ[A-Za-z0-9_\-]{8,}\.eyJ[A-Za-z0-9_\-]{8,}\.`,
		"an encrypted card":     `(?i)encrypted_?(?:card|key)\\?"?\s*[:=]\s*\\?"?[A-Za-z0-9+/=]{40,}`,
		"an encryption key":     `\bMIIBIjANBgkqh[A-Za-z0-9+/=]{20,}`,
		"a PSP's key":           `\b(?:sk_(?:test|live|sandbox|prod)|xnd_(?:development|production))_[A-Za-z0-9_]{6,}`,
		"an Authorization line": `(?i)authorization"?\s*[:=]\s*"?\[?"?(?:Basic [A-Za-z0-9+/=_\-]{16,}|Bearer [A-Za-z0-9])`,
	} {
		s.forms = append(s.forms, form{what, regexp.MustCompile(pattern)})
	}
	return s
}

// card has a card number looked for, however its digits are grouped.
func (s *scanner) card(numbers ...string) {
	for _, n := range numbers {
		s.forms = append(s.forms, form{"the card number ending in " + n[len(n)-4:], regexp.MustCompile(strings.Join(strings.Split(n, ""), `[ .\-]?`))})
	}
}

// cvc has a distinctive CVC looked for wherever it is a value of its own.
func (s *scanner) cvc(code string) {
	s.forms = append(s.forms, form{"the CVC", regexp.MustCompile(`["'=\[]` + code + `["'&\]]`)})
}

// literal has a text looked for, plain and as a user name or password of HTTP Basic.
func (s *scanner) literal(what string, secrets ...string) {
	for _, secret := range secrets {
		s.literals[secret] = what
		s.literals[base64.StdEncoding.EncodeToString([]byte(secret+":"))] = what + ", in base64"
	}
}

// inBase64 are runs that may be text in base64: bytes in a JSON document are.
var inBase64 = regexp.MustCompile(`[A-Za-z0-9+/_\-]{14,}={0,2}`)

// scan returns what a text gives away. It looks into base64 too, two deep.
func (s *scanner) scan(text string) []string {
	var found []string
	for depth := 0; depth < 3 && text != ""; depth++ {
		for secret, what := range s.literals {
			if strings.Contains(text, secret) {
				found = append(found, what)
			}
		}
		for _, f := range s.forms {
			if f.pattern.MatchString(text) {
				found = append(found, f.what)
			}
		}
		var inner strings.Builder
		for _, run := range inBase64.FindAllString(text, -1) {
			run = strings.TrimRight(strings.NewReplacer("-", "+", "_", "/").Replace(run), "=")
			if raw, err := base64.RawStdEncoding.DecodeString(run); err == nil {
				inner.Write(raw)
				inner.WriteByte('\n')
			}
		}
		text = inner.String()
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// in returns what a text gives away, with where it stands.
func (s *scanner) in(where, text string) []string {
	found := s.scan(text)
	for i, what := range found {
		found[i] = what + " is in " + where
	}
	return found
}

// files reads every file under a directory as it lies there.
func (s *scanner) files(t *testing.T, dir string) (found []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		found = append(found, s.in("the file "+filepath.Base(path), string(text))...)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// rows reads every value of every table of a copy of the database, as a driver gives it.
func (s *scanner) rows(t *testing.T, data string) (found []string, values int) {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(data)); err != nil {
		t.Fatal(err)
	}
	db := openDB(t, dir)
	for _, table := range column(t, db, "SELECT name FROM sqlite_master WHERE type = 'table'") {
		leaks, n := s.table(t, db, table)
		found, values = append(found, leaks...), values+n
	}
	return found, values
}

func openDB(t *testing.T, dir string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(dir, "switchyard.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func (s *scanner) table(t *testing.T, db *sql.DB, table string) (found []string, values int) {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), fmt.Sprintf("SELECT * FROM %q", table))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	names, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	cells, into := make([]any, len(names)), make([]any, len(names))
	for i := range cells {
		into[i] = &cells[i]
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			t.Fatal(err)
		}
		for i, cell := range cells {
			values++
			switch v := cell.(type) {
			case string:
				found = append(found, s.in("the table "+table+", "+names[i], v)...)
			case []byte:
				found = append(found, s.in("the table "+table+", "+names[i], string(v))...)
			}
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return found, values
}

func column(t *testing.T, db *sql.DB, query string) (out []string) {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var one string
		if err := rows.Scan(&one); err != nil {
			t.Fatal(err)
		}
		out = append(out, one)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}

// planted is one of each kind of secret, as it might leak.
func planted() map[string][]string {
	const jwt = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJzd2l0Y2h5YXJkIn0.c2lnbmF0dXJl"
	return map[string][]string{
		"the card number ending in 0005": {"378282246310005", "3782 822463 10005", `"name":"my card 3782-8224-6310-005"`},
		"the CVC":                        {`"7391"`, "secret=7391&x=y", `["7391"]`},
		"a CVC":                          {`"cvc":"123"`, `cvc2=123`, `"cvn": 123`, `card[cvc]=123`, `level=INFO cvv=1234 x=y`},
		"a customer secret":              {"cs_sandbox_HlA94aJd9mSLmx07eepKYm8LIKA5egMurGMe"},
		"a payment link": {
			"https://pay.dojo.tech/checkout/pi_1?cid=cust_1&csc=HlA94aJd9mSLmx07", "https://pay.pivot-payment.com/detail?token=eyJhbGciOiJIUzI1NiJ9",
			"http://127.0.0.1:1/detail?token=1VGGuioZ6CDzy1ellAjRExqogCen0UPe",
		},
		"a signed token":               {jwt},
		"an encrypted card":            {`{"encryptedCard":"` + strings.Repeat("QUJD", 20) + `"}`, `{\"encryptedKey\":\"` + strings.Repeat("QUJD", 20) + `\"}`},
		"an encryption key":            {"MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA"},
		"a PSP's key":                  {"sk_test_switchyard_dev", "xnd_development_switchyard_dev", "error: Basic sk_sandbox_switchyard_dev is refused"},
		"the project's key":            {"key_sandbox_canary"},
		"the project's key, in base64": {"Basic " + base64.StdEncoding.EncodeToString([]byte("key_sandbox_canary:"))},
		"an Authorization line":        {"Authorization: Bearer abcdefgh", `"Authorization":["Basic c2tfdGVzdF9zd2l0Y2h5YXJkX2Rldjo="]`},
	}
}

func canaryScanner() *scanner {
	s := newScanner()
	s.card("378282246310005")
	s.cvc("7391")
	s.literal("the project's key", "key_sandbox_canary")
	return s
}

// TestScannerFindsLeaks plants each kind of secret in a log line, in base64, in a file and in a row of a database.
func TestScannerFindsLeaks(t *testing.T) {
	t.Parallel()
	s := canaryScanner()
	for what, texts := range planted() {
		for _, text := range texts {
			line := `time=2026-11-20T14:17:58Z level=INFO msg="it did not work" error="` + text + `" attempt=tr_op_1`
			once := base64.StdEncoding.EncodeToString([]byte("<< " + text + " >>"))
			for place, leak := range map[string]string{"a log line": line, "base64": once, "base64 twice": `"` + base64.RawURLEncoding.EncodeToString([]byte(once)) + `"`} {
				if found := s.scan(leak); !slices.Contains(found, what) {
					t.Errorf("%s in %s is not found: %s (found %q)", what, place, text, found)
				}
			}
			s.findsOnDisk(t, what, text)
		}
	}
	for _, clean := range []string{
		"", `"cvc_check":"unknown"`, `"cvc":"[masked]"`, `"encryptedCard":"[masked]"`, "Basic base64(sk_…:)", `"number":"4242"`, "cvc2 must have 3 or 4 digits", `"last_4_digits":"0005"`,
		"http://127.0.0.1:1/checkout/pi_sandbox_2zdUChmDPXRGl212j70I9n", "token=gway_req_e30", "http://127.0.0.1:1/returns/dGVzdC1wcm9qX2Rldi90cl9vcF8wNmd6am12dDRy.9sjfIiNGLT2v6ifSuuB1T3bw",
	} {
		if found := s.scan(clean); len(found) > 0 {
			t.Errorf("%q is in %q", found, clean)
		}
	}
}

// findsOnDisk plants a secret in a file, and in a table as text and as bytes.
func (s *scanner) findsOnDisk(t *testing.T, what, text string) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "some.log"), []byte("x\n"+text+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if found := s.files(t, dir); !slices.Contains(found, what+" is in the file some.log") {
		t.Errorf("%s in a file is not found: %q", what, found)
	}
	db := openDB(t, dir)
	for _, statement := range []string{"PRAGMA journal_mode = WAL", "CREATE TABLE planted (words TEXT, bytes BLOB)"} {
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := db.ExecContext(t.Context(), "INSERT INTO planted VALUES (?, ?)", text, []byte(text)); err != nil {
		t.Fatal(err)
	}
	found, values := s.rows(t, dir)
	for _, name := range []string{"words", "bytes"} {
		if !slices.Contains(found, what+" is in the table planted, "+name) || values != 2 {
			t.Errorf("%s in a table is not found: %q of %d values", what, found, values)
		}
	}
}
