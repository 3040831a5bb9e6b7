//go:build !race

package backtest_test

const raceDetector = false
