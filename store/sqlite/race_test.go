//go:build race

package sqlite

// raceDetector: SQLite is Go here, and ten times as slow under the detector, so that long tests do less.
const raceDetector = true
