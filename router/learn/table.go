package learn

// row is what is believed of one group of payments: its effect at every gateway, and at each gateway beside that.
type row struct {
	key     uint64
	level   int
	context weight
	gateway []weight // by the gateway's number; shorter when the later gateways have not been seen with the group
	segment *segment // of rows at levelSegment: what watches for sudden changes
	touched bool     // since the hand came by last
}

// table holds the rows, a bounded number of them. When it is full, the row that makes room is one that has not been touched
// since the hand went round last (the "clock" approximation of least recently used); rows at the coarse levels stay.
type table struct {
	rows  []*row
	index map[uint64]int
	limit int
	hand  int
}

func newTable(limit int) table {
	return table{index: make(map[uint64]int, 64), limit: limit}
}

// find returns the row of the group, or nil.
func (t *table) find(key uint64) *row {
	if i, ok := t.index[key]; ok {
		return t.rows[i]
	}
	return nil
}

// ensure returns the row of the group and makes it if need be; nil when there is no room.
func (t *table) ensure(key uint64, level int, age float64) *row {
	if r := t.find(key); r != nil {
		r.touched = true
		return r
	}
	r := &row{key: key, level: level, context: contextPrior(level, age), touched: true}
	if level == levelSegment {
		r.segment = &segment{}
	}
	if len(t.rows) < t.limit {
		t.index[key] = len(t.rows)
		t.rows = append(t.rows, r)
		return r
	}
	for range 2 * len(t.rows) {
		old := t.rows[t.hand]
		at := t.hand
		t.hand = (t.hand + 1) % len(t.rows)
		if old.touched || old.level <= levelScheme {
			old.touched = false
			continue
		}
		delete(t.index, old.key)
		t.index[key], t.rows[at] = at, r
		return r
	}
	return nil
}

func contextPrior(level int, age float64) weight {
	return weight{vari: contextSD[level] * contextSD[level], age: age / contextMemories}
}

func gatewayPrior(level int, age float64) weight {
	return weight{vari: gatewaySD[level] * gatewaySD[level], age: age}
}

// contextMemories is how many memories of a gateway's effects one of the context's lasts: issuers change more slowly.
const contextMemories = 4

// at returns the group's effect at the gateway now. A gateway that has not been seen with the group has the prior.
func (r *row) at(gateway int, age float64) weight {
	prior := gatewaySD[r.level] * gatewaySD[r.level]
	if gateway < 0 || gateway >= len(r.gateway) {
		return weight{vari: prior, age: age}
	}
	return r.gateway[gateway].relaxed(age, prior)
}

// slot returns the place of the gateway's effect, for writing.
func (r *row) slot(gateway int, age float64) *weight {
	for len(r.gateway) <= gateway {
		r.gateway = append(r.gateway, gatewayPrior(r.level, age))
	}
	return &r.gateway[gateway]
}

func (r *row) contextAt(age float64) weight {
	return r.context.relaxed(age/contextMemories, contextSD[r.level]*contextSD[r.level])
}

// rowsOf returns the rows of a payment's groups; nil where nothing is known of a group.
func (t *table) rowsOf(k *Keys) (rows [levels]*row) {
	for level, key := range k {
		if key != 0 {
			rows[level] = t.find(key)
		}
	}
	return rows
}

// contextOf sums the effects that a payment's groups have at every gateway.
func contextOf(k *Keys, rows *[levels]*row, age float64) opinion {
	o := opinion{mean: baseline}
	for level, r := range rows {
		switch {
		case r != nil:
			w := r.contextAt(age)
			o.mean += w.mean
			o.vari += w.vari
		case k[level] != 0:
			o.vari += contextSD[level] * contextSD[level]
		}
	}
	return o
}

// gatewayOf sums the effects that a payment's groups have at one gateway.
func gatewayOf(k *Keys, rows *[levels]*row, gateway int, age float64) opinion {
	var o opinion
	for level, r := range rows {
		switch {
		case r != nil:
			w := r.at(gateway, age)
			o.mean += w.mean
			o.vari += w.vari
		case k[level] != 0:
			o.vari += gatewaySD[level] * gatewaySD[level]
		}
	}
	return o
}

// baseline is what is expected of approval before anything has been seen, on the probit scale: about 85 %.
const baseline = 1.036
