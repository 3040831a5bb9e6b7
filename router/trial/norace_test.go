//go:build !race

package trial_test

const raceDetector = false
