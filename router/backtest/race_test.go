//go:build race

package backtest_test

// raceDetector: replaying logs is arithmetic on one goroutine, and many times as slow under the detector, so that the simulations are fewer.
const raceDetector = true
