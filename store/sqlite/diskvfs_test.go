//go:build unix

package sqlite

import (
	"bytes"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"unsafe" //nolint:depguard // a VFS of SQLite is a table of C pointers

	"modernc.org/libc"
	sqlite3 "modernc.org/sqlite/lib"
)

// SQLite reaches files through a table of C functions, its VFS. The tests of disk faults put a table in front of the
// default one that differs in five places: opening and deleting, so that it knows the files of a disk, and writing,
// truncating and syncing, which are written down and may be made to fail. All the rest, locks and shared memory too, is
// SQLite's own code on real files, and so is everything on files that are on no such disk.

// The shim is one for the process, as SQLite's list of VFSs is. What SQLite's callbacks have is addresses, so they look
// up here what these stand for.
var (
	disks   sync.Map // directory → *disk
	handles sync.Map // address of SQLite's open file → *handle
	shim    = sync.OnceFunc(install)
)

// handle is one open file on a disk.
type handle struct {
	disk    *disk
	dir     string // where the disk was when the file was opened
	file    int
	name    string
	dirSync bool // the next sync is to make the file's name durable too
	methods *sqlite3.Tsqlite3_io_methods
}

// The C functions that are called or replaced.
type (
	openFunc     = func(tls *libc.TLS, vfs, name, file uintptr, flags int32, outFlags uintptr) int32
	deleteFunc   = func(tls *libc.TLS, vfs, name uintptr, syncDir int32) int32
	closeFunc    = func(tls *libc.TLS, file uintptr) int32
	writeFunc    = func(tls *libc.TLS, file, data uintptr, amount int32, offset int64) int32
	truncateFunc = func(tls *libc.TLS, file uintptr, size int64) int32
	syncFunc     = func(tls *libc.TLS, file uintptr, flags int32) int32
)

// at is the Go view of what SQLite has at an address.
func at[T any](address uintptr) *T { return *(**T)(unsafe.Pointer(&address)) }

// callee is the function that SQLite knows by an address, and address the way back.
func callee[F any](address uintptr) F { return *(*F)(unsafe.Pointer(&address)) }

func address[F any](function F) uintptr { return *(*uintptr)(unsafe.Pointer(&function)) }

// kept copies a table into memory that SQLite may keep pointers to. It stays for the life of the process.
func kept[T any](tls *libc.TLS, table T) uintptr {
	place := sqlite3.Xsqlite3_malloc(tls, int32(unsafe.Sizeof(table)))
	*at[T](place) = table
	return place
}

// install makes the shim SQLite's default, so that a store that is opened by path goes through it.
func install() {
	tls := libc.NewTLS()
	defer tls.Close()
	below := sqlite3.Xsqlite3_vfs_find(tls, 0)
	table := *at[sqlite3.Tsqlite3_vfs](below)
	name, err := libc.CString("disk-of-the-tests")
	if err != nil {
		panic(err)
	}
	table.FzName, table.FpAppData = name, below
	table.FxOpen, table.FxDelete = address[openFunc](openOnDisk), address[deleteFunc](deleteOnDisk)
	if code := sqlite3.Xsqlite3_vfs_register(tls, kept(tls, table), 1); code != sqlite3.SQLITE_OK {
		panic(code)
	}
}

// openOnDisk lets the default VFS open a file. If the file is on a disk of the tests, three of its functions are replaced.
func openOnDisk(tls *libc.TLS, vfs, name, file uintptr, flags int32, outFlags uintptr) int32 {
	below := at[sqlite3.Tsqlite3_vfs](vfs).FpAppData
	open := callee[openFunc](at[sqlite3.Tsqlite3_vfs](below).FxOpen)
	path := libc.GoString(name) // "" for a temporary file
	d := diskOf(path)
	if d == nil {
		return open(tls, below, name, file, flags, outFlags)
	}
	_, err := os.Lstat(path)
	if code := open(tls, below, name, file, flags, outFlags); code != sqlite3.SQLITE_OK {
		return code
	}
	h := &handle{
		disk: d, dir: filepath.Dir(path), name: filepath.Base(path),
		file: d.opened(filepath.Base(path), err != nil),
		// What SQLite makes beside its database it makes durable, name and all, with its first sync.
		dirSync: flags&sqlite3.SQLITE_OPEN_CREATE != 0 && flags&(sqlite3.SQLITE_OPEN_WAL|sqlite3.SQLITE_OPEN_MAIN_JOURNAL) != 0,
	}
	base := at[sqlite3.Tsqlite3_file](file)
	h.methods = at[sqlite3.Tsqlite3_io_methods](base.FpMethods)
	base.FpMethods = d.methods(tls, h.methods)
	handles.Store(file, h)
	return sqlite3.SQLITE_OK
}

// methods is the table of a file on this disk.
func (d *disk) methods(tls *libc.TLS, below *sqlite3.Tsqlite3_io_methods) uintptr {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.table == 0 {
		table := *below
		table.FiVersion = 2 // from 3 on, files can be mapped and then written without a call
		table.FxClose = address[closeFunc](closeOnDisk)
		table.FxWrite = address[writeFunc](writeOnDisk)
		table.FxTruncate = address[truncateFunc](truncateOnDisk)
		table.FxSync = address[syncFunc](syncOnDisk)
		d.table = kept(tls, table)
	}
	return d.table
}

func diskOf(path string) *disk {
	if d, ok := disks.Load(filepath.Dir(path)); ok && path != "" {
		return d.(*disk)
	}
	return nil
}

func handleOf(file uintptr) *handle {
	h, _ := handles.Load(file)
	return h.(*handle)
}

func closeOnDisk(tls *libc.TLS, file uintptr) int32 {
	h := handleOf(file)
	handles.Delete(file)
	return callee[closeFunc](h.methods.FxClose)(tls, file)
}

// writeOnDisk writes half of what it is given when the write is to fail: a disk may be full in the middle.
func writeOnDisk(tls *libc.TLS, file, data uintptr, amount int32, offset int64) int32 {
	h := handleOf(file)
	failure := h.record(event{kind: wrote, offset: offset, data: bytes.Clone(unsafe.Slice(at[byte](data), amount))})
	if failure != sqlite3.SQLITE_OK {
		amount /= 2
	}
	if code := callee[writeFunc](h.methods.FxWrite)(tls, file, data, amount, offset); code != sqlite3.SQLITE_OK {
		return code
	}
	return failure
}

func truncateOnDisk(tls *libc.TLS, file uintptr, size int64) int32 {
	h := handleOf(file)
	if failure := h.record(event{kind: truncated, offset: size}); failure != sqlite3.SQLITE_OK {
		return failure
	}
	return callee[truncateFunc](h.methods.FxTruncate)(tls, file, size)
}

// syncOnDisk only writes down that there was a sync. The files below are the page cache; what is durable is in the log.
func syncOnDisk(_ *libc.TLS, file uintptr, _ int32) int32 {
	h := handleOf(file)
	failure := h.record(event{kind: synced, dir: h.dirSync})
	if failure == sqlite3.SQLITE_OK {
		h.dirSync = false
	}
	return failure
}

func deleteOnDisk(tls *libc.TLS, vfs, name uintptr, syncDir int32) int32 {
	below := at[sqlite3.Tsqlite3_vfs](vfs).FpAppData
	path := libc.GoString(name)
	if d := diskOf(path); d != nil {
		if failure := d.removed(filepath.Dir(path), filepath.Base(path), syncDir != 0); failure != sqlite3.SQLITE_OK {
			return failure
		}
	}
	return callee[deleteFunc](at[sqlite3.Tsqlite3_vfs](below).FxDelete)(tls, below, name, syncDir)
}

// record writes down what is about to happen, and returns SQLite's code of the error that is to happen instead.
func (h *handle) record(e event) int32 {
	e.name, e.file = h.name, h.file
	return h.disk.record(h.dir, e)
}

// mount puts what is on a disk into a directory of its own.
func (d *disk) mount(t testing.TB, content image) {
	t.Helper()
	shim()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range content {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	d.mu.Lock()
	d.dirs = append(d.dirs, dir)
	d.mu.Unlock()
	disks.Store(dir, d)
	t.Cleanup(func() { disks.Delete(dir) })
}

// discard frees the space that a disk takes.
func (d *disk) discard(t testing.TB) {
	t.Helper()
	for _, dir := range d.dirs {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	}
}
