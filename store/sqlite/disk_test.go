//go:build unix

package sqlite

import (
	"bytes"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	sqlite3 "modernc.org/sqlite/lib"
)

// disk is the log of everything that was done to some files. From it follows what is found on the medium after a loss of
// power at any moment.
//
// The model is the harsh end of what POSIX allows. Until a file is synced, each of its writes may have reached the medium
// in any part and order, in sectors of 512 bytes, and its size too. A name is durable once its directory was synced. A
// sync that fails makes nothing durable, and what it should have written is never written again, though it can still be
// read: that is what Linux does. Bytes that are not written stay as they are, next to a torn write as well.
type disk struct {
	mu     sync.Mutex
	dirs   []string       // where it has been mounted; it is at the last one
	table  uintptr        // SQLite's functions for its files
	before image          // what was durable when the log began
	names  map[string]int // files as the running system sees them
	files  int
	log    []event
	// fault is asked, when it is set, for SQLite's code of the error that is to happen instead of an event.
	fault func(position int, e event) int32
	// watch is called, when it is set, before anything is done to the files.
	watch func(position int)
}

// image is what is found on a disk: files by name.
type image map[string][]byte

type kind int

const (
	created kind = iota
	wrote
	truncated
	synced
	removed
)

// event is one thing that was done to a file.
type event struct {
	kind   kind
	name   string
	file   int   // a number for each file, also for a second one of the same name
	offset int64 // of what was written, or the new size
	data   []byte
	dir    bool // the directory was synced too
	failed bool // what was written is then data all the same
}

const sector = 512

// newDisk is a disk that has durable files on it.
func newDisk(t testing.TB, content image) *disk {
	t.Helper()
	d := &disk{before: maps.Clone(content), names: map[string]int{}}
	if _, ok := content[DatabaseName]; !ok { // the store makes it, and its name durable, before SQLite opens it
		d.before = image{DatabaseName: nil}
	}
	d.mount(t, content)
	return d
}

// opened returns the number of a file, which may be a new one.
func (d *disk) opened(name string, isNew bool) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	file, known := d.names[name]
	if known {
		return file
	}
	d.files++
	d.names[name] = d.files
	if isNew {
		d.log = append(d.log, event{kind: created, name: name, file: d.files})
	}
	return d.files
}

// removed is about to take a name away.
func (d *disk) removed(dir, name string, syncDir bool) int32 {
	d.mu.Lock()
	file, known := d.names[name]
	d.mu.Unlock()
	if !known {
		return sqlite3.SQLITE_OK
	}
	return d.record(dir, event{kind: removed, name: name, file: file, dir: syncDir})
}

// record appends an event to the log, failed if that is its fate. What a process does that was left behind in another
// directory is not this disk's.
func (d *disk) record(dir string, e event) int32 {
	d.mu.Lock()
	defer d.mu.Unlock()
	if dir != d.dirs[len(d.dirs)-1] {
		return sqlite3.SQLITE_OK
	}
	if d.watch != nil {
		d.watch(len(d.log))
	}
	failure := int32(sqlite3.SQLITE_OK)
	if d.fault != nil {
		failure = d.fault(len(d.log), e)
	}
	if e.failed = failure != sqlite3.SQLITE_OK; e.failed {
		e.data = e.data[:len(e.data)/2]
	}
	d.log = append(d.log, e)
	if e.kind == removed && !e.failed {
		delete(d.names, e.name)
	}
	return failure
}

// breaks makes a disk go wrong from now on, or no longer with nil.
func (d *disk) breaks(fault func(position int, e event) int32) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.fault = fault
}

// dir is where the disk is now.
func (d *disk) dir() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.dirs[len(d.dirs)-1]
}

// position is how much has been done.
func (d *disk) position() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.log)
}

// luck decides what becomes of the things that were not made durable. The zero value keeps nothing.
type luck struct {
	random  *rand.Rand
	kept    float64 // the share of sectors, truncations and files' latest names that had reached the medium
	garbled float64 // of those that had not: the share that was being written and reads as anything
}

func (l luck) keeps() bool { return l.kept == 1 || l.random != nil && l.random.Float64() < l.kept }

func (l luck) garbles() bool { return l.random != nil && l.random.Float64() < l.garbled }

// everything has reached the medium: nothing but the process is gone.
func everything() luck { return luck{kept: 1} }

// medium is the durable part of a disk while its log is gone through.
type medium struct {
	luck    luck
	content map[int][]byte
	names   map[string]int
	dirty   map[int][]event // by file
	naming  []event
}

// after returns what is found when the power fails before the event at a position, or with everything, when the process
// is killed there.
func (d *disk) after(position int, l luck) image {
	d.mu.Lock()
	defer d.mu.Unlock()
	m := &medium{luck: l, content: map[int][]byte{}, names: map[string]int{}, dirty: map[int][]event{}}
	numbers := maps.Clone(d.names)
	for _, e := range slices.Backward(d.log) { // a name that was taken away and made again was first its first file
		numbers[e.name] = e.file
	}
	for name, data := range d.before {
		number, known := numbers[name]
		if !known { // it was never opened
			number = -len(m.names) - 1
		}
		m.names[name], m.content[number] = number, bytes.Clone(data)
	}
	for _, e := range d.log[:position] {
		m.do(e)
	}
	for _, file := range slices.Sorted(maps.Keys(m.dirty)) {
		m.settle(file, l)
	}
	m.settleNames(l)
	found := image{}
	for name, file := range m.names {
		found[name] = m.content[file]
	}
	return found
}

func (m *medium) do(e event) {
	switch e.kind {
	case wrote, truncated:
		if e.kind == wrote || !e.failed {
			m.dirty[e.file] = append(m.dirty[e.file], e)
		}
	case created, removed:
		if !e.failed {
			m.naming = append(m.naming, e)
		}
	case synced:
		if e.failed {
			m.settle(e.file, m.luck)
			return
		}
		m.settle(e.file, everything())
	}
	if e.dir && !e.failed {
		m.settleNames(everything())
	}
}

// settle ends the time in which a file's writes may or may not be durable.
func (m *medium) settle(file int, l luck) {
	content := m.content[file]
	for _, e := range m.dirty[file] {
		if e.kind == truncated {
			if l.keeps() {
				content = resized(content, int(e.offset))
			}
			continue
		}
		for from := 0; from < len(e.data); {
			start := int(e.offset) + from
			part := e.data[from:min(len(e.data), from+sector-start%sector)]
			from += len(part)
			switch {
			case l.keeps():
			case l.garbles():
				part = noise(l.random, len(part))
			default:
				continue
			}
			content = resized(content, max(len(content), start+len(part)))
			copy(content[start:], part)
		}
	}
	m.content[file] = content
	delete(m.dirty, file)
}

// settleNames does the same for names. A directory changes in the order in which it was told to.
func (m *medium) settleNames(l luck) {
	for _, e := range m.naming {
		if !l.keeps() {
			break
		}
		if e.kind == created {
			m.names[e.name] = e.file
		} else {
			delete(m.names, e.name)
		}
	}
	m.naming = nil
}

// resized cuts a file or fills it up with zeros.
func resized(content []byte, size int) []byte {
	if size <= len(content) {
		return content[:size]
	}
	return append(content, make([]byte, size-len(content))...)
}

func noise(random *rand.Rand, n int) []byte {
	data := make([]byte, n)
	for i := range data {
		data[i] = byte(random.Uint32())
	}
	return data
}
