//go:build unix

package sqlite

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// maxOwnerBytes bounds what is read of a lock file: a process number.
const maxOwnerBytes = 32

// lockFile takes the lock on a database, or says who has it. The operating system lets go of it when the process ends, in
// whatever way.
func lockFile(path string) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("sqlite: lock file: %w", err)
	}
	err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		owner, _ := io.ReadAll(io.LimitReader(file, maxOwnerBytes)) // only for the message
		_ = file.Close()
		return nil, fmt.Errorf("%w (process %s, lock file %s)", ErrInUse, strings.TrimSpace(string(owner)), path)
	}
	if err == nil {
		err = writeOwner(file)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("sqlite: lock file %s: %w", path, err), file.Close())
	}
	return file, nil
}

func writeOwner(file *os.File) error {
	if err := file.Truncate(0); err != nil {
		return err
	}
	_, err := file.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	return err
}

// syncDir makes the names in a directory durable.
func syncDir(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
