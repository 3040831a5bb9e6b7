package backtest

import "math"

// z is the 97.5 % quantile of the normal distribution: intervals are of 95 %.
const z = 1.959963984540054

// student is the 97.5 % quantile of Student's t, by the expansion of Abramowitz and Stegun 26.7.5; freedom below 2 counts
// as 2.
func student(freedom float64) float64 {
	n := max(freedom, 2)
	const (
		z2 = z * z
		g1 = z * (z2 + 1) / 4
		g2 = z * ((5*z2+16)*z2 + 3) / 96
		g3 = z * (((3*z2+19)*z2+17)*z2 - 15) / 384
		g4 = z * ((((79*z2+776)*z2+1482)*z2-1920)*z2 - 945) / 92160
	)
	return z + (g1+(g2+(g3+g4/n)/n)/n)/n
}

// wilson is the interval of a rate that was seen in so many payments. Without payments it is everything.
func wilson(rate, n, quantile float64) (low, high float64) {
	if !(n > 0) {
		return 0, 1
	}
	q2 := quantile * quantile / n
	middle := (rate + q2/2) / (1 + q2)
	half := quantile / (1 + q2) * math.Sqrt((rate*(1-rate)+q2/4)/n)
	return max(0, min(rate, middle-half)), min(1, max(rate, middle+half))
}
