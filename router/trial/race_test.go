//go:build race

package trial_test

// raceDetector: playing trials is arithmetic on one goroutine, and many times as slow under the detector, so that the simulations are fewer.
const raceDetector = true
