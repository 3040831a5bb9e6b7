package payments

import "time"

// Learned is what smart routing has learnt, as one instance has written it down for whoever starts next. What is in State is
// the learner's business.
type Learned struct {
	Instance string
	At       time.Time
	State    []byte
}

// LearnedNews are what one instance has seen since it last told the others. What is in Counts is the learner's business.
type LearnedNews struct {
	Seq      int64 // given by the store, in the order of the commits; 0 in a change
	Instance string
	At       time.Time
	Counts   []byte
}
