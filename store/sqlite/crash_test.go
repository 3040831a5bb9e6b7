//go:build unix

package sqlite

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"switchyard/payments"
	"switchyard/store/storetest"
)

// The tests in this file run this test binary again as another process, which writes until it is killed or its disk is
// full, and says on its standard output what was acknowledged.
const (
	childRole   = "STORE_TEST_CHILD_ROLE" // what the child does; empty in the parent
	childDir    = "STORE_TEST_CHILD_DIR"
	childPrefix = "STORE_TEST_CHILD_PREFIX" // of the names that it writes
	ack         = "ack "
	workers     = 8
)

// TestChild is the other process.
func TestChild(t *testing.T) {
	role := os.Getenv(childRole)
	if role == "" {
		t.Skip("not a child")
	}
	s := openStore(t, Options{Path: os.Getenv(childDir)})
	switch role {
	case "until killed":
		_ = write(t.Context(), s, math.MaxInt)
		t.Error("the store failed before the kill")
	case "until full":
		if err := write(t.Context(), s, 2); err != nil {
			t.Fatalf("write: %v", err)
		}
		limitFiles(t)
		err := write(t.Context(), s, math.MaxInt)
		unlimitFiles(t)
		for what, err := range map[string]error{
			"write": err, "write after there is room again": s.Apply(t.Context(), customer("later", 1)), "Ping": s.Ping(t.Context()),
		} {
			if !errors.Is(err, ErrHalted) {
				t.Errorf("%s: %v, want %v", what, err, ErrHalted)
			}
		}
	}
}

// write has workers that each apply numbered samples and print every one that is acknowledged. It returns the first error.
func write(ctx context.Context, s *Store, count int) error {
	start := os.Getenv(childPrefix)
	errs := make([]error, workers)
	var group sync.WaitGroup
	for worker := range workers {
		group.Go(func() {
			for n := 0; n < count && errs[worker] == nil; n++ {
				name := fmt.Sprintf("%s-%d-%d", start, worker, n)
				if count == math.MaxInt {
					name += "-more"
				}
				if errs[worker] = s.Apply(ctx, storetest.Sample(project, name)); errs[worker] == nil {
					fmt.Println(ack + name) // one write call, so that lines stay whole
				}
			}
		})
	}
	group.Wait()
	return errors.Join(errs...)
}

// limitFiles lets no file of this process grow much more: the next write beyond fails as on a full disk.
func limitFiles(t *testing.T) {
	const room = 200_000 // bytes: some commits still succeed
	info, err := os.Stat(filepath.Join(os.Getenv(childDir), DatabaseName+"-wal"))
	if err != nil {
		t.Fatal(err)
	}
	signal.Ignore(syscall.SIGXFSZ)
	setFileLimit(t, uint64(info.Size())+room)
}

func unlimitFiles(t *testing.T) { setFileLimit(t, math.MaxInt64) }

func setFileLimit(t *testing.T, bytes uint64) {
	t.Helper()
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		t.Fatal(err)
	}
	limit.Cur = min(bytes, limit.Max)
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		t.Fatal(err)
	}
}

// startChild starts the other process.
func startChild(t *testing.T, role, dir, prefix string) (*exec.Cmd, *bufio.Scanner) {
	t.Helper()
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestChild$")
	child.Env = append(os.Environ(), childRole+"="+role, childDir+"="+dir, childPrefix+"="+prefix)
	child.Stderr = os.Stderr
	output, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	return child, bufio.NewScanner(output)
}

// checkAcknowledged checks that everything acknowledged is there, whole, and that what was in flight is there whole or
// not at all.
func checkAcknowledged(t *testing.T, dir string, acknowledged []string) {
	t.Helper()
	s := openStore(t, Options{Path: dir})
	defer closeStore(t, s)
	known := map[string]bool{}
	for _, name := range acknowledged {
		storetest.CheckSample(t, s, storetest.Sample(project, name))
		known["ev_"+name] = true
	}
	unacknowledged := 0
	for page := (payments.Page{Limit: 100}); ; {
		list, err := s.Events(t.Context(), project, page)
		if err != nil {
			t.Fatal(err)
		}
		for _, event := range list.Items {
			if !known[event.ID] {
				unacknowledged++
				storetest.CheckSample(t, s, storetest.Sample(project, strings.TrimPrefix(event.ID, "ev_")))
			}
		}
		if !list.HasMore {
			break
		}
		page.StartAfter = list.Items[len(list.Items)-1].ID
	}
	t.Logf("%d acknowledged, %d more on disk", len(acknowledged), unacknowledged)
}

// Whatever was acknowledged survives kill -9 at a random moment, again and again on the same files.
func TestKilledProcessLosesNothing(t *testing.T) {
	t.Parallel()
	const rounds, fewest, most = 3, 10, 60
	dir := t.TempDir()
	var acknowledged []string
	for round := range rounds {
		child, output := startChild(t, "until killed", dir, fmt.Sprint(round))
		left := fewest + rand.IntN(most-fewest)
		for output.Scan() {
			name, isAck := strings.CutPrefix(output.Text(), ack)
			if !isAck {
				t.Errorf("the child says: %s", output.Text())
				continue
			}
			acknowledged = append(acknowledged, name)
			if left--; left == 0 {
				if err := child.Process.Kill(); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := child.Wait(); err == nil {
			t.Error("the child ended by itself")
		}
		checkAcknowledged(t, dir, acknowledged)
	}
}

// A disk that is full halts the store, and whatever was acknowledged before is there.
func TestFullDiskLosesNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	child, output := startChild(t, "until full", dir, "full")
	var acknowledged []string
	for output.Scan() {
		if name, isAck := strings.CutPrefix(output.Text(), ack); isAck {
			acknowledged = append(acknowledged, name)
		} else {
			t.Logf("the child says: %s", output.Text())
		}
	}
	if err := child.Wait(); err != nil {
		t.Errorf("child: %v", err)
	}
	if len(acknowledged) < 2*workers {
		t.Errorf("%d acknowledged, want those from before the disk was full", len(acknowledged))
	}
	checkAcknowledged(t, dir, acknowledged)
}
