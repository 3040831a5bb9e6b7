package sqlite

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// errorSharingViolation is Windows' ERROR_SHARING_VIOLATION.
const errorSharingViolation = syscall.Errno(32)

// lockFile takes the lock on a database: a file that nobody else may open while we have it open. The operating system
// closes it when the process ends, in whatever way.
func lockFile(path string) (*os.File, error) {
	name, err := syscall.UTF16PtrFromString(path)
	if err != nil {
		return nil, fmt.Errorf("sqlite: lock file: %w", err)
	}
	const shareWithNobody = 0
	handle, err := syscall.CreateFile(name, syscall.GENERIC_READ|syscall.GENERIC_WRITE, shareWithNobody, nil,
		syscall.OPEN_ALWAYS, syscall.FILE_ATTRIBUTE_NORMAL, 0)
	if errors.Is(err, errorSharingViolation) {
		return nil, fmt.Errorf("%w (lock file %s)", ErrInUse, path)
	}
	if err != nil {
		return nil, fmt.Errorf("sqlite: lock file %s: %w", path, err)
	}
	return os.NewFile(uintptr(handle), path), nil
}

// syncDir does nothing: Windows has no way to sync a directory, and NTFS keeps names in a journal.
func syncDir(string) error { return nil }
