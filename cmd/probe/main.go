// Command probe asks one URL and succeeds when the answer is 200. It is the health check of the container image, which has
// no shell and no other program to ask with.
package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"
)

// timeout is shorter than what health checks are given, so that a hanging server is told from a hanging probe.
const timeout = 2 * time.Second

func main() { os.Exit(run(os.Args[1:], os.Stderr)) }

// run returns the exit code: 0 healthy, 1 not healthy, 2 wrong usage.
func run(args []string, stderr io.Writer) int {
	if len(args) != 1 {
		_, _ = fmt.Fprintln(stderr, "usage: probe URL")
		return 2
	}
	if err := ask(args[0]); err != nil {
		_, _ = fmt.Fprintln(stderr, "probe:", err)
		return 1
	}
	return 0
}

func ask(url string) error {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	client := http.Client{}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	if err := response.Body.Close(); err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s", url, response.Status)
	}
	return nil
}
