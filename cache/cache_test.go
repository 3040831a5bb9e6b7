package cache

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"
	"go.uber.org/goleak"

	"switchyard/payments"
	"switchyard/tokens"
)

func TestMain(m *testing.M) {
	LogClient(slog.New(slog.DiscardHandler))
	goleak.VerifyTestMain(m)
}

var _ tokens.Cache = (*Cache)(nil)

// realRedis names the environment variable with the address of a Redis server that tests may write to.
const realRedis = "SWITCHYARD_TEST_REDIS"

// server is a Redis to test with: miniredis, or a real one.
type server struct {
	address string
	// age lets the given time pass for what the server keeps.
	age func(t *testing.T, d time.Duration)
}

// eachServer runs a test on miniredis and, where there is one, on a real server.
func eachServer(t *testing.T, test func(t *testing.T, s server)) {
	t.Run("miniredis", func(t *testing.T) {
		t.Parallel()
		m := miniredis.RunT(t)
		test(t, server{address: m.Addr(), age: func(_ *testing.T, d time.Duration) { m.FastForward(d) }})
	})
	t.Run("redis", func(t *testing.T) {
		t.Parallel()
		address := os.Getenv(realRedis)
		if address == "" {
			t.Skipf("no real Redis: %s names none", realRedis)
		}
		ageAll(t, address, 24*time.Hour) // what an earlier run has left
		test(t, server{address: address, age: func(t *testing.T, d time.Duration) { ageAll(t, address, d) }})
	})
}

// ageAll takes time off every key of a real server that belongs to the test.
func ageAll(t *testing.T, address string, d time.Duration) {
	t.Helper()
	client := redis.NewClient(&redis.Options{Addr: address})
	defer func() { _ = client.Close() }()
	keys, err := client.Keys(t.Context(), keyPrefix+projectOf(t)+":*").Result()
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range keys {
		left, err := client.PTTL(t.Context(), k).Result()
		if err != nil {
			t.Fatal(err)
		}
		if left <= d {
			err = client.Del(t.Context(), k).Err()
		} else {
			err = client.PExpire(t.Context(), k, left-d).Err()
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// projectOf keeps the tests apart on a server that they share.
func projectOf(t *testing.T) string {
	return "proj_" + strings.NewReplacer("/", "_", "#", "_").Replace(t.Name())
}

// open gives commands more time than they have by default: a test must not fail because the machine is busy.
func open(t testing.TB, address string) *Cache {
	t.Helper()
	return openWithin(t, address, 10*time.Second)
}

func openWithin(t testing.TB, address string, timeout time.Duration) *Cache {
	t.Helper()
	c, err := New(Options{Address: address, Timeout: timeout})
	if err != nil {
		t.Fatal(err)
	}
	c.pause, c.redis.pause = 10*time.Millisecond, 10*time.Millisecond
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func rowsOf(t *testing.T, tokenID, method string) []payments.Mapping {
	return []payments.Mapping{{
		ProjectID: projectOf(t), TokenID: tokenID, GatewayConfigurationID: "gway_conf_1", PSP: "processout", MethodRef: method,
		Status: payments.MappingUsable, LastSuccessAt: time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC),
	}}
}

func TestPutAndGet(t *testing.T) {
	t.Parallel()
	eachServer(t, func(t *testing.T, s server) {
		here, there := open(t, s.address), open(t, s.address)
		p := projectOf(t)
		if _, ok := here.Get(t.Context(), p, "tok_1"); ok {
			t.Error("found before it was put")
		}
		here.Put(t.Context(), p, "tok_1", rowsOf(t, "tok_1", "pm_1"))
		here.Put(t.Context(), p, "tok_2", nil)
		got, ok := there.Get(t.Context(), p, "tok_1")
		if diff := cmp.Diff(rowsOf(t, "tok_1", "pm_1"), got); !ok || diff != "" {
			t.Errorf("%v %s", ok, diff)
		}
		if got, ok := there.Get(t.Context(), p, "tok_2"); !ok || len(got) != 0 {
			t.Errorf("that there are no rows: %v, %v", got, ok)
		}
		if _, ok := there.Get(t.Context(), p+"x", "tok_1"); ok {
			t.Error("found in another project")
		}
		s.age(t, emptyTTL)
		if _, ok := there.Get(t.Context(), p, "tok_2"); ok {
			t.Error("no rows is remembered for too long")
		}
		s.age(t, defaultTTL-emptyTTL)
		if _, ok := there.Get(t.Context(), p, "tok_1"); ok {
			t.Error("rows are kept for too long")
		}
	})
}

// Rows read before a Drop must not come back by a Put after it.
func TestADropKeepsOldRowsOut(t *testing.T) {
	t.Parallel()
	eachServer(t, func(t *testing.T, s server) {
		here, there := open(t, s.address), open(t, s.address)
		p := projectOf(t)
		here.Put(t.Context(), p, "tok_1", rowsOf(t, "tok_1", "old"))
		here.Drop(t.Context(), p, "tok_1")
		there.Put(t.Context(), p, "tok_1", rowsOf(t, "tok_1", "old"))
		for _, c := range []*Cache{here, there} {
			if got, ok := c.Get(t.Context(), p, "tok_1"); ok {
				t.Errorf("old rows are back: %v", got)
			}
		}
		s.age(t, tombstoneTTL)
		there.Put(t.Context(), p, "tok_1", rowsOf(t, "tok_1", "new"))
		if got, ok := here.Get(t.Context(), p, "tok_1"); !ok || got[0].MethodRef != "new" {
			t.Errorf("after the tombstone: %v, %v", got, ok)
		}
	})
}

// heard is what a subscriber was told.
type heard struct {
	told chan change
}

func listen(c *Cache) heard {
	h := heard{told: make(chan change, 1000)}
	c.Subscribe(func(projectID, tokenID string) { h.told <- change{projectID, tokenID} })
	return h
}

// anything waits for the next call.
func (h heard) anything(t *testing.T) {
	t.Helper()
	select {
	case <-h.told:
	case <-time.After(20 * time.Second):
		t.Fatal("was told nothing")
	}
}

// until waits for a change of this test's project, or for "everything" when want is zero.
func (h heard) until(t *testing.T, want change) {
	t.Helper()
	deadline := time.After(20 * time.Second)
	for {
		select {
		case got := <-h.told:
			if got == want {
				return
			}
		case <-deadline:
			t.Fatalf("was not told of %v", want)
		}
	}
}

func TestSubscribe(t *testing.T) {
	t.Parallel()
	eachServer(t, func(t *testing.T, s server) {
		here, there := open(t, s.address), open(t, s.address)
		own, others := listen(here), listen(there)
		own.until(t, change{})
		others.until(t, change{}) // both are subscribed
		here.Drop(t.Context(), projectOf(t), "tok_1")
		others.until(t, change{projectOf(t), "tok_1"})
		there.Drop(t.Context(), projectOf(t), "tok_2")
		for got := range own.told {
			if got == (change{projectOf(t), "tok_1"}) {
				t.Error("told of its own Drop")
			}
			if got == (change{projectOf(t), "tok_2"}) {
				break
			}
		}
	})
}

func TestAnUnreadableMessageMayHaveBeenAnything(t *testing.T) {
	t.Parallel()
	m := miniredis.RunT(t)
	c := open(t, m.Addr())
	h := listen(c)
	h.until(t, change{})
	m.Publish(channel, "not json")
	h.until(t, change{})
}

func TestALostSubscriptionForgetsEverything(t *testing.T) {
	t.Parallel()
	m := miniredis.RunT(t)
	var log bytes.Buffer
	c, err := New(Options{Address: m.Addr(), Logger: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	c.pause, c.redis.pause = 10*time.Millisecond, 10*time.Millisecond
	h := listen(c)
	h.until(t, change{})
	m.Close()
	for range 3 { // when it is lost, and again and again while it is away
		h.until(t, change{})
	}
	if err := m.Restart(); err != nil {
		t.Fatal(err)
	}
	for m.PubSubNumSub(channel)[channel] == 0 {
		h.until(t, change{})
	}
	other := open(t, m.Addr())
	other.Drop(t.Context(), projectOf(t), "tok_1")
	h.until(t, change{projectOf(t), "tok_1"})
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(log.String(), "no subscription"); n != 1 {
		t.Errorf("an outage was logged %d times:\n%s", n, log.String())
	}
}

func TestWhatIsNotOursIsAMiss(t *testing.T) {
	t.Parallel()
	m := miniredis.RunT(t)
	c := open(t, m.Addr())
	for name, text := range map[string]string{
		"not json":      "{",
		"another shape": `{"a":1}`,
		"another token": `[{"project_id":"p","token_id":"tok_2"}]`,
	} {
		if err := m.Set(key("p", "tok_1"), text); err != nil {
			t.Fatal(err)
		}
		if got, ok := c.Get(t.Context(), "p", "tok_1"); ok {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestKeysLeadWithTheProject(t *testing.T) {
	t.Parallel()
	m := miniredis.RunT(t)
	c := open(t, m.Addr())
	c.Put(t.Context(), "p", "tok_1", []payments.Mapping{{ProjectID: "p", TokenID: "tok_1"}})
	if keys := m.Keys(); !slices.Equal(keys, []string{"switchyard:p:mappings:tok_1"}) || m.TTL(keys[0]) != defaultTTL {
		t.Errorf("keys %v", keys)
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"", "localhost", "redis://:hunter2@localhost:6379"} {
		if _, err := New(Options{Address: address}); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: %v", address, err)
		}
	}
}

func TestThePasswordIsNotShown(t *testing.T) {
	t.Parallel()
	m := miniredis.RunT(t)
	m.RequireAuth("another")
	c, err := New(Options{Address: m.Addr(), Password: payments.NewSecret("hunter2")})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	err = c.drop(t.Context(), change{"p", "tok_1"})
	if err == nil || strings.Contains(fmt.Sprintf("%+v", err), "hunter2") {
		t.Errorf("got %v", err)
	}
}

func TestCloseTwiceAndUseAfterwards(t *testing.T) {
	t.Parallel()
	m := miniredis.RunT(t)
	c := open(t, m.Addr())
	_ = c.Close()
	c.Subscribe(func(string, string) { t.Error("told after Close") })
	c.Drop(t.Context(), "p", "tok_1")
	c.Put(t.Context(), "p", "tok_1", nil)
	if _, ok := c.Get(t.Context(), "p", "tok_1"); ok {
		t.Error("found after Close")
	}
}

func TestLogClient(t *testing.T) {
	t.Parallel()
	var text bytes.Buffer
	l := clientLog{slog.New(slog.NewTextHandler(&text, &slog.HandlerOptions{Level: slog.LevelDebug}))}
	l.Printf(t.Context(), "failed after %d", 3)
	if !strings.Contains(text.String(), `level=DEBUG msg="redis client" text="failed after 3"`) {
		t.Errorf("logged %q", text.String())
	}
}

func BenchmarkGet(b *testing.B) {
	m := miniredis.RunT(b)
	c := open(b, m.Addr())
	c.Put(b.Context(), "p", "tok_1", []payments.Mapping{{ProjectID: "p", TokenID: "tok_1"}})
	for b.Loop() {
		if _, ok := c.Get(b.Context(), "p", "tok_1"); !ok {
			b.Fatal("not found")
		}
	}
}

func BenchmarkGetFromADeadRedis(b *testing.B) {
	c := open(b, deadAddress(b))
	for b.Loop() {
		c.Get(b.Context(), "p", "tok_1")
	}
}
